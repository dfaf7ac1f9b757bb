"""Every bound in Livefile, with its unit in its name and its reason beside it.

Numbers marked "protocol" are those that Convex's clients and users know.
"""

KIB = 1024
MIB = 1024 * KIB

# Values (protocol).
VALUE_SIZE_BYTES_MAX = 32 * MIB
VALUE_NESTING_MAX = 64
ARRAY_LENGTH_MAX = 8192
OBJECT_FIELDS_MAX = 1024
FIELD_NAME_LENGTH_MAX = 1024

# Documents and definitions (protocol).
DOCUMENT_SIZE_BYTES_MAX = MIB
DOCUMENT_NESTING_MAX = 16
IDENTIFIER_LENGTH_MAX = 64
TABLES_MAX = 10_000
INDEXES_PER_TABLE_MAX = 64
FIELDS_PER_INDEX_MAX = 16
# The protocol keeps table numbers up to this one for system tables.
SYSTEM_TABLE_NUMBER_MAX = 10_000

# One transaction (protocol).
DOCUMENTS_READ_MAX = 32_000
BYTES_READ_MAX = 16 * MIB
INTERVALS_READ_MAX = 4096
DOCUMENTS_WRITTEN_MAX = 16_000
BYTES_WRITTEN_MAX = 16 * MIB

# One query over a table (protocol).
QUERY_OPERATORS_MAX = 256
PAGE_ROWS_MAX = 32_000  # That a page may be asked to have.

# One function call (protocol).
ARGUMENTS_SIZE_BYTES_MAX = 16 * MIB
RESULT_SIZE_BYTES_MAX = 16 * MIB
CALL_DEPTH_MAX = 8
FAILURE_FRAMES_MAX = 20  # Of the app, shown to the client; a deep recursion has a thousand.
LOG_LINES_MAX = 256
LOG_LINE_BYTES_MAX = 32 * KIB
CONFLICT_RETRIES_MAX = 4
FUNCTION_DURATION_MS_MAX = 1_000  # Of a query or mutation.
FUNCTION_UNSTOPPABLE_MS_MAX = 5_000  # Past its limit; then the deployment stops.

# A function that takes longer than this on the engine's thread, where all others wait for it, is
# stopped and run again in the slow lane; it begins there for a while. The lane's threads are
# few: they share one interpreter, and each may hold a reader.
FUNCTION_AT_HEAD_DURATION_MS_MAX = 25
SLOW_FUNCTION_MEMORY_MS = 60_000
SLOW_FUNCTIONS_RUNNING_MAX = 2
SLOW_FUNCTIONS_WAITING_MAX = 1_000

# The commit log. Memory holds its tail, for conflict checks and invalidation; a transaction
# that began before the tail begins again. The file holds more, for feeds and time travel.
WRITE_LOG_COMMITS_MAX = 20_000
WRITE_LOG_KEYS_MAX = 1_000_000  # Index keys in it, about 100 bytes each.
COMMIT_LOG_AGE_MS_MAX = 24 * 60 * 60 * 1000
COMMIT_LOG_SIZE_BYTES_MAX = 256 * MIB
COMMIT_LOG_TRIM_ROWS_MAX = 512  # Rows removed by one group, so that no commit waits long.
TIME_TRAVEL_COMMITS_MAX = 10_000  # Commits undone for one read in the past.

# Exactly-once mutations: how long an answer is kept for a client that comes back (protocol).
SESSION_REQUEST_AGE_MS_MAX = 14 * 24 * 60 * 60 * 1000
SESSION_REQUEST_TRIM_ROWS_MAX = 512
SESSIONS_KNOWN_MAX = 10_000  # Of which memory knows the newest request, about 200 bytes each.

# A cycle of queries; the others wait for the next, so that sockets are served in between.
CYCLE_REQUESTS_MAX = 64

# A commit group: long enough to share one fsync, short enough that nobody waits for others.
GROUP_MUTATIONS_MAX = 64

# A deploy and a migration go through tables in batches, each a part of a commit group, so that
# calls wait no longer for one than for other calls.
BATCH_DURATION_MS_MAX = 5  # Of looking at documents; writing what follows takes about as long.
BATCH_DOCUMENTS_MAX = 500
BATCH_SIZE_BYTES_MAX = 4 * MIB
BATCH_ENTRIES_REMOVED_MAX = 2_000
INDEX_KEYS_SORTED_SIZE_BYTES_MAX = 64 * MIB  # Of new indexes, gathered in memory to be sorted.

# Queues in front of the engine's threads; past them a call is refused.
MUTATIONS_QUEUED_MAX = 20_000
QUERIES_QUEUED_MAX = 100_000
ACTIONS_RUNNING_MAX = 1_000

# Readers of the file, and how long a long one may pin the write-ahead log. At a quarter of the
# log's size new long readers wait until it has begun anew; at half, they are cut off at any age.
READERS_MAX = 8
READER_WAIT_MS_MAX = 5_000
READER_AGE_MS_MAX = 5_000
LOG_RESTART_WAIT_MS_MAX = 1_000  # Then a long reader begins in any case.
FILE_BUSY_MS_MAX = 5_000  # For a lock that another program has on the file.
MUTATIONS_ON_SNAPSHOTS_MAX = READERS_MAX - 2  # The rest is for queries and settings.
WAL_PAGES_BEFORE_CHECKPOINT = 1_000  # 4 MiB of pages of 4 KiB: what is moved without a stall.
WAL_SIZE_BYTES_MAX = 64 * MIB

# The shared query cache: results without a subscriber that are kept for the next caller.
QUERY_CACHE_SIZE_BYTES_MAX = 64 * MIB
QUERY_CACHE_ENTRIES_MAX = 10_000
TIME_RESULT_AGE_MS_MAX = 17_000  # A result that depends on the time, for new callers (protocol).
LIVE_QUERIES_PER_CLIENT_MAX = 4096

# One client of the sync protocol. The first two are the protocol's.
MUTATIONS_QUEUED_PER_CLIENT_MAX = 1_000
ACTIONS_RUNNING_PER_CLIENT_MAX = 1_000
ANSWERS_HELD_PER_CLIENT_MAX = 2_000  # All that one client can have asked for, for a slow reader.
ANSWERS_HELD_PER_CLIENT_SIZE_BYTES_MAX = 64 * MIB

# Messages and frames on a websocket. The chunk, the message and the silence are the protocol's;
# a client refuses frames of 16 MiB, so they are cut well before.
TRANSITION_CHUNK_SIZE_BYTES = 5_000_000
MESSAGE_SIZE_BYTES_MAX = 64 * MIB
FRAME_SIZE_BYTES_MAX = 8 * MIB
WEBSOCKET_PING_INTERVAL_MS = 5_000
IDLE_PING_INTERVAL_MS = 15_000
CLIENT_SILENCE_MS_MAX = 120_000
SOCKET_BUFFER_SIZE_BYTES_MAX = 256 * KIB  # Past it a client is slow, and only the newest is kept.
SOCKET_CLOSE_DURATION_MS_MAX = 2_000

# Transitions of the newest timestamp that are kept encoded, to be sent to further clients.
TRANSITIONS_SHARED_MAX = 1_000
TRANSITIONS_SHARED_SIZE_BYTES_MAX = 64 * MIB

# The HTTP API. The body and the duration are the protocol's.
HTTP_BODY_SIZE_BYTES_MAX = 16 * MIB + 2_000
HTTP_REQUEST_DURATION_MS_MAX = 300_000
HTTP_CONNECTION_IDLE_MS_MAX = 75_000  # Also for the headers of a request to arrive.
HTTP_BODY_WAIT_MS_MAX = 120_000
HTTP_BATCH_QUERIES_MAX = 1_000
SHUTDOWN_DURATION_MS_MAX = 8_000

# Past it the process ends: some call into C holds the interpreter's lock, and nobody is answered.
EVENT_LOOP_FROZEN_MS_MAX = 5_000
