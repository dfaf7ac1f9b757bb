import pytest

from livefile.accounts.signing_keys import (
    SigningKeys,
    decode_keys,
    encode_keys,
    rotated,
)
from livefile.vocabulary.limits import (
    ACCESS_TOKEN_AGE_MS_MAX,
    SIGNING_KEY_AGE_MS_MAX,
    SIGNING_KEY_OVERLAP_MS,
)

NOW_MS = 1_700_000_000_000


def ids(keys: SigningKeys) -> list[str]:
    return [key.id for key in keys.keys]


def test_the_first_key_signs_at_once_and_stays() -> None:
    keys = rotated(None, NOW_MS)

    assert keys.signing_key(NOW_MS) is keys.keys[0]
    assert rotated(keys, NOW_MS + SIGNING_KEY_AGE_MS_MAX - 1) is keys
    assert len(keys.keys[0].seed) == 32


def test_a_new_key_is_published_before_it_signs_and_the_old_one_afterwards() -> None:
    first = rotated(None, NOW_MS)
    now_ms = NOW_MS + SIGNING_KEY_AGE_MS_MAX
    second = rotated(first, now_ms)
    signs_ms = now_ms + SIGNING_KEY_OVERLAP_MS

    assert ids(second)[1:] == ids(first)
    assert second.signing_key(now_ms).id == ids(first)[0]
    assert second.signing_key(signs_ms).id == ids(second)[0]
    assert rotated(second, signs_ms + ACCESS_TOKEN_AGE_MS_MAX) is second
    assert ids(rotated(second, signs_ms + SIGNING_KEY_OVERLAP_MS)) == ids(second)[:1]


def test_a_long_rest_leaves_a_key_that_signs() -> None:
    first = rotated(None, NOW_MS)
    later = rotated(first, NOW_MS + 10 * SIGNING_KEY_AGE_MS_MAX)

    assert later.signing_key(NOW_MS + 10 * SIGNING_KEY_AGE_MS_MAX).id == ids(first)[0]


@pytest.mark.parametrize("step_ms", [60_000, 3_500_000, 40 * 60_000])
def test_no_token_that_lives_is_ever_without_its_key(step_ms: int) -> None:
    keys = rotated(None, NOW_MS)
    signed: list[tuple[int, str]] = []
    start_ms = NOW_MS + SIGNING_KEY_AGE_MS_MAX - 4 * 3_600_000
    for now_ms in range(start_ms, start_ms + 12 * 3_600_000, step_ms):
        keys = rotated(keys, now_ms)
        signed.append((now_ms, keys.signing_key(now_ms).id))
        living = {id for ms, id in signed if now_ms - ms <= ACCESS_TOKEN_AGE_MS_MAX}

        assert living <= set(ids(keys))
    assert len({id for _, id in signed}) == 2


def test_keys_are_read_as_they_were_written_and_their_text_hides_them() -> None:
    keys = rotated(rotated(None, NOW_MS), NOW_MS + SIGNING_KEY_AGE_MS_MAX)

    assert decode_keys(encode_keys(keys)) == keys
    assert decode_keys(None) is None
    assert repr(keys.keys[0].seed) not in repr(keys)
