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
ACTION_LOG_WAIT_MS = 200  # Until its lines are told while it runs; in time for whoever looks on.
CONFLICT_RETRIES_MAX = 4
FUNCTION_DURATION_MS_MAX = 1_000  # Of a query or mutation.
# The time in which the database answers a pushed function does not count, but a snapshot is held
# all the while (READER_AGE_MS_MAX).
PUSHED_FUNCTION_WAIT_MS_MAX = 4_000
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

# Counts and sums of an index: the entries or blocks below one block. Few make a position cheap to
# find, many make writes cheap.
SUMMARY_CHILDREN_MAX = 128

# A deploy and a migration go through tables in batches, each a part of a commit group, so that
# calls wait no longer for one than for other calls.
BATCH_DURATION_MS_MAX = 5  # Of looking at documents; writing what follows takes about as long.
BATCH_DOCUMENTS_MAX = 500
BATCH_SIZE_BYTES_MAX = 4 * MIB
BATCH_ENTRIES_REMOVED_MAX = 2_000
INDEX_KEYS_SORTED_SIZE_BYTES_MAX = 64 * MIB  # Of new indexes, gathered in memory to be sorted.

# A push of code (protocol): its body, as it comes and unpacked; how long one request for how far
# it is may wait; how many may be under way, and how long one is kept that nobody asks about.
PUSH_SIZE_BYTES_MAX = 200 * MIB
PUSH_WAIT_MS_MAX = 10_000
PUSHES_UNDER_WAY_MAX = 4
PUSH_IDLE_MS_MAX = 5 * 60 * 1000
# Analysis of pushed code: how long one module may take to load (protocol), and how many instances
# of components there may be, because those that mount others twice grow as the powers of two.
ANALYSIS_MS_MAX = 4000
# A process that runs queries and mutations: beside its heap of 96 MiB there is room for buffers.
HOST_MEMORY_BYTES_MAX = 384 * MIB
COMPONENTS_MAX = 128
# Actions of pushed code. The duration is the protocol's. All of one kind run in one process: the
# memory is that of all of them together, and one that computes for longer than the silence without
# awaiting anything holds up the others, so its process is stopped. Each push leaves its code behind
# in it. A frame holds the arguments or the result of a call, and a few times as many bytes as JSON.
ACTION_DURATION_MS_MAX = 600_000
ACTION_CALLS_RUNNING_MAX = 1_000  # Of one action at one time; the others wait.
ACTION_HOST_HEAP_MIB_MAX = 512
ACTION_HOST_MEMORY_BYTES_MAX = 1536 * MIB  # With what is outside of the heap, such as buffers.
ACTION_HOST_SILENCE_MS_MAX = 10_000
HOST_CODES_MAX = 16
HOST_FRAME_BYTES_MAX = 128 * MIB
NODE_INSTALL_MS_MAX = 300_000  # For npm to install the packages of actions with "use node".
# A push that is being prepared ends at its next batch when another deploy begins, which waits.
DEPLOY_GIVING_WAY_MS_MAX = 10_000

# Imports and exports that are asked for over the wire: how many imports may be sent or may wait to
# be confirmed, the parts of a file (protocol), and of how many it stays known how they went.
IMPORTS_WAITING_MAX = 4
IMPORT_PARTS_MAX = 10_000
IMPORT_PART_SIZE_BYTES_MAX = 256 * MIB
TRANSFERS_KEPT_MAX = 100

# Work that is due at a time: how long the engine sleeps at most, because its clock may jump.
ALARM_SLEEP_MS_MAX = 1_000

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
WAL_PAGES_BEFORE_CHECKPOINT = 1_000  # 4 MiB of pages of 4 KiB: what is moved without a stall.
WAL_SIZE_BYTES_MAX = 64 * MIB

# The shared query cache: results without a subscriber that are kept for the next caller.
QUERY_CACHE_SIZE_BYTES_MAX = 64 * MIB
QUERY_CACHE_ENTRIES_MAX = 10_000
TIME_RESULT_AGE_MS_MAX = 17_000  # A result that depends on the time, for new callers (protocol).
LIVE_QUERIES_PER_CLIENT_MAX = 1_000

# One client of the sync protocol. The first two are the protocol's.
MUTATIONS_QUEUED_PER_CLIENT_MAX = 1_000
ACTIONS_RUNNING_PER_CLIENT_MAX = 1_000
# What waits or is watched is held with its arguments, 16 MiB each at most.
REQUESTS_HELD_PER_CLIENT_SIZE_BYTES_MAX = 64 * MIB
LIVE_QUERIES_PER_CLIENT_SIZE_BYTES_MAX = 64 * MIB
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
SHUTDOWN_DURATION_MS_MAX = 5_000
CONNECTION_END_MS_MAX = 500  # For what is cut off then; containers are killed after 10 s in all.
ACTIONS_END_MS_MAX = 1_000  # For actions to end that are cancelled because of it.
HEALTH_WAIT_MS_MAX = 2_000

# One address of clients. Those of this machine, its proxies for one, are not counted.
SOCKETS_PER_ADDRESS_MAX = 1_000
REQUESTS_PER_ADDRESS_MAX = 1_500  # Under way at one time, sockets among them.

# HTTP actions (protocol).
HTTP_ACTION_BODY_SIZE_BYTES_MAX = 20 * MIB  # Of a request, and of a response.
HTTP_ACTION_DURATION_MS_MAX = 600_000

# Tokens, and the keys by which they are checked. The skew is the protocol's. A set of keys is
# fetched anew for a token with an unknown key, but only so often: anybody can make up keys.
AUTH_PROVIDERS_MAX = 64
TOKEN_SIZE_BYTES_MAX = 8 * KIB
TOKEN_CLOCK_SKEW_MS_MAX = 5_000
TOKEN_ISSUED_AHEAD_MS_MAX = 60_000  # By an issuer whose clock is ahead.
KEY_SET_SIZE_BYTES_MAX = 64 * KIB
KEY_SET_AGE_MS_MAX = 600_000  # Then a key that the issuer took back is no longer accepted.
KEY_REFRESH_INTERVAL_MS = 60_000
KEY_RETRY_INTERVAL_MS = 5_000  # While there are no keys at all.
KEY_FETCH_DURATION_MS_MAX = 5_000
RSA_KEY_BITS_MIN = 2_048
RSA_KEY_BITS_MAX = 8_192  # Checking a signature takes longer with the square of it.

# Past it the process ends: some call into C holds the interpreter's lock, and nobody is answered.
EVENT_LOOP_FROZEN_MS_MAX = 5_000

# Copies of everything: backups, exports and checks read one snapshot for as long as they take, and
# meanwhile the write-ahead log only grows. Past this size the copy is given up.
COPY_LOG_SIZE_BYTES_MAX = 2048 * MIB
BACKUP_STEP_PAGES_MAX = 256  # Then the copy may be stopped, and is flushed now and then.
CHECK_PROBLEMS_MAX = 20  # Named by one check; more are only counted as "more".
LOG_QUIET_MS_MIN = 60_000  # Without a write, before the log is emptied into the file.
FREEZE_DURATION_MS_MAX = 300_000
FREEZE_WAIT_MS_MAX = 10_000  # For commits under way, and for readers of the log.

# Files that are imported. A document of 1 MiB can be a few MiB of JSON; arrays are read whole. The
# directory of a ZIP is held in memory, at about ten times its size.
IMPORT_BATCH_DOCUMENTS_MAX = 200
IMPORT_BATCH_SIZE_BYTES_MAX = 2 * MIB
IMPORT_LINE_SIZE_BYTES_MAX = 8 * MIB
IMPORT_ARRAY_SIZE_BYTES_MAX = 16 * MIB
ZIP_DIRECTORY_SIZE_BYTES_MAX = 4 * MIB
ZIP_RATIO_MAX = 200  # Unpacked to packed, beyond the first 16 MiB; JSON of documents is below 50.
ZIP_UNPACKED_FREE_SIZE_BYTES = 16 * MIB

# Stored files. The age of a token and that of a cached answer are the protocol's. A chunk is one
# job of a commit group, so that calls go on beside an upload, and what a download holds.
FILE_SIZE_BYTES_MAX = 64 * 1024 * MIB
FILE_CHUNK_SIZE_BYTES = 256 * KIB
FILE_CHUNKS_REMOVED_MAX = 8  # Of a file that was deleted, by one job.
FILE_REMOVAL_RETRY_INTERVAL_MS = 10_000  # After a job failed, because the disk is full for one.
FILE_CACHE_AGE_MS_MAX = 2_592_000_000  # In browsers: what is at an address never changes.
FILE_PIECE_WAIT_MS_MAX = 120_000  # For the next bytes of an upload, or a download to be taken.
UPLOADS_RUNNING_MAX = 200
TRANSACTION_FILES_MAX = 100  # That one mutation stores, and as many that it reads.
TRANSACTION_FILE_BYTES_MAX = 16 * MIB  # Of those; they are in memory, and in one commit.
SIGNED_TOKEN_AGE_MS_MAX = 60 * 60 * 1000  # Of tokens that mutations sign (protocol).
UPLOAD_TOKEN_AGE_MS_MAX = 3_600_000
CONTENT_TYPE_LENGTH_MAX = 255

# Finished calls: those kept in memory for whoever asks for the log, and those that wait to be
# written as lines. How long a reader of the log waits for the next one is the protocol's.
CALLS_KEPT_MAX = 10_000
CALLS_KEPT_SIZE_BYTES_MAX = 16 * MIB
CALLS_PER_ANSWER_MAX = 1_000
CALL_LOG_WAIT_MS_MAX = 60_000
CALLS_UNWRITTEN_MAX = 10_000

# Environment variables (protocol).
ENVIRONMENT_VARIABLES_MAX = 1_000
ENVIRONMENT_NAME_LENGTH_MAX = 256
ENVIRONMENT_VALUE_SIZE_BYTES_MAX = 8 * KIB

# Scheduled functions. The first two, the distance and the age are the protocol's. So many of them,
# and as many cron jobs, run at one time: slow actions must not take all that the deployment has.
FUNCTIONS_SCHEDULED_MAX = 1_000  # By one mutation.
SCHEDULED_ARGUMENTS_SIZE_BYTES_MAX = 16 * MIB  # Of all that one mutation schedules.
# Of one function: they are part of a document, which must have room for the text of an error, too.
JOB_ARGUMENTS_SIZE_BYTES_MAX = DOCUMENT_SIZE_BYTES_MAX - 64 * KIB
SCHEDULE_DISTANCE_DAYS_MAX = 5 * 366  # From now, in either direction.
JOBS_RUNNING_MAX = 8
JOB_RETRY_MS_MIN = 100  # After an error that is not the function's; twice as long each time.
JOB_RETRY_MS_MAX = 60_000
JOB_ERROR_LENGTH_MAX = 10_000  # Of the text that is kept; a document must have room for it.
JOBS_RECOVERED_MAX = 64  # At one time, of those that a process left behind when it died.
JOBS_REMOVED_MAX = 256  # Finished ones, at one time.
JOBS_REMOVED_SIZE_BYTES_MAX = 4 * MIB
FINISHED_JOB_AGE_MS_MAX = 7 * 24 * 60 * 60 * 1000

# Full-text search. The first six are the protocol's. Of a word that very many documents have, the
# newest of them are looked at, so that no search takes long; a document of very many words is
# known to live searches under one key, so that one write does not fill the write log.
SEARCH_WORD_SIZE_BYTES_MAX = 31
SEARCH_WORDS_MAX = 16  # Of what is searched for; the others are not looked at.
SEARCH_PREFIX_WORDS_MAX = 16  # Words that begin with the last one.
SEARCH_FILTERS_MAX = 8
SEARCH_FILTER_FIELDS_MAX = 16  # Of one index.
SEARCH_RESULTS_MAX = 1_024
SEARCH_PREFIX_WORDS_TRIED_MAX = 64  # Of them, those that no document under the filters has.
SEARCH_DOCUMENTS_PER_WORD_MAX = 4_096
SEARCH_WORDS_TRACKED_MAX = 2_000

# Vector search. The first six are the protocol's. A search compares the signs of all vectors, then
# the floats of so many of them: of 100,000 sentences, one in two thousand is missed.
VECTOR_DIMENSIONS_MIN = 2
VECTOR_DIMENSIONS_MAX = 4_096
VECTOR_RESULTS_MAX = 256
VECTOR_RESULTS = 10  # Unless it is said how many.
VECTOR_FILTER_FIELDS_MAX = 16
VECTOR_FILTER_CONDITIONS_MAX = 64
VECTOR_CANDIDATES_MIN = 1_000
VECTOR_CANDIDATES_PER_RESULT = 20
VECTOR_SIGNS_DIMENSIONS_MIN = 256  # Fewer signs tell too little; floats of these are soon read.

# Accounts. Passwords: the least length is that of NIST's advice with nothing else beside it; a
# hash takes 46 MiB and some 60 ms, so few are made at one time and few wait.
EMAIL_LENGTH_MAX = 254
USER_NAME_LENGTH_MAX = 200
PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 1_024
PASSWORD_HASH_MEMORY_KIB = 47_104
PASSWORD_HASH_PASSES = 2
PASSWORDS_HASHED_MAX = 2  # At one time.
PASSWORDS_WAITING_MAX = 64
ACCESS_TOKEN_AGE_MS_MAX = 600_000  # A session that ended is known to all by then.
SESSION_IDLE_MS_MAX = 30 * 24 * 60 * 60 * 1000  # Without a refresh.
SESSION_AGE_MS_MAX = 180 * 24 * 60 * 60 * 1000
SESSIONS_PER_USER_MAX = 100
SESSIONS_REMOVED_MAX = 4  # Expired ones, when one begins.
REFRESH_TOKEN_GRACE_MS_MAX = 30_000  # In which it may be used again: by two tabs, or after a loss.
REFRESH_TOKENS_FRESH_MAX = 8  # Of one session, that nobody used yet.
CODE_DIGITS = 8
CODE_AGE_MS_MAX = 600_000
CODE_TRIES_MAX = 5
CODES_REMOVED_MAX = 4  # Expired ones, when one is made.
# Tries: so many at once, then one more each interval. Counted in memory.
SIGN_INS_FAILED_MAX = 10  # Of one account.
SIGN_INS_FAILED_PER_ADDRESS_MAX = 50
SIGN_INS_FAILED_INTERVAL_MS = 60_000
CODES_ASKED_MAX = 5  # For one e-mail address.
CODES_ASKED_INTERVAL_MS = 600_000
ACCOUNTS_MADE_MAX = 50  # By one address of clients: accounts, anonymous users, codes.
ACCOUNTS_MADE_INTERVAL_MS = 60_000
ATTEMPTS_KNOWN_MAX = 100_000  # Of whom tries are counted, about 200 bytes each.
# Sign-ins at other issuers, under way in memory.
OAUTH_PENDING_MAX = 10_000
OAUTH_AGE_MS_MAX = 600_000  # For the user to sign in there.
OAUTH_FINISH_AGE_MS_MAX = 60_000  # For the page to take the result.
# The keys that sign access tokens: how old one gets, and how long it is published before it signs,
# and after: longer than tokens live and others keep published keys.
SIGNING_KEY_AGE_MS_MAX = 30 * 24 * 60 * 60 * 1000
SIGNING_KEY_OVERLAP_MS = 3_600_000
