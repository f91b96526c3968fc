#ifndef SERVER_NET_LIMITS_H
#define SERVER_NET_LIMITS_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

struct net;
struct oplog_request;
struct sess;

/*
 * Everything that a peer can make grow has a limit with a key in the
 * configuration.  Here is, for each, how often it was reached since net
 * started, under that key, and what a request that met it is told; NULL where
 * the answer is another one, or none: a signal is dropped, a session over its
 * rate waits.
 */
#define LIMITS_TABLE(X)                                                    \
	X(CONNECTIONS, "limits.connections", NULL)                         \
	X(CONNECTIONS_PER_ADDRESS, "limits.connections_per_address", NULL) \
	X(LOGGING_IN, "limits.logging_in", NULL)                           \
	X(HANDSHAKE_TIME, "limits.handshake_time", NULL)                   \
	X(IDLE_TIME, "limits.idle_time", NULL)                             \
	X(PASSWORD_QUEUE, "password.queue", NULL)                          \
	X(DEVICES, "account.devices_max", NULL)                            \
	X(CONSUMERS, "account.consumers_max",                              \
	    "this device has as many consumers as it may have")            \
	X(ACCOUNT_SESSIONS, "limits.sessions_per_account", NULL)           \
	X(FRAME_RATE, "limits.frame_rate", NULL)                           \
	X(SIGNAL_RATE, "limits.signal_rate", NULL)                         \
	X(OUTPUT_QUEUE, "limits.output_queue", NULL)                       \
	X(QUEUE_BYTES, "limits.queue_bytes", NULL)                         \
	X(BODY, "limits.body_max",                                         \
	    "the body is longer than this server takes")                   \
	X(ROOMS, "limits.rooms_max",                                       \
	    "this server has as many rooms as it may have")                \
	X(ACCOUNT_ROOMS, "limits.rooms_per_account",                       \
	    "the account is in as many rooms as it may be in")             \
	X(MEMBERS, "limits.members_max",                                   \
	    "the room has as many members as it may have")                 \
	X(SMALL_ROOM, "limits.small_room",                                 \
	    "the room has too many members for receipts")                  \
	X(ACCOUNT_BYTES, "limits.account_bytes",                           \
	    "your account has stored as much as it may; ask for more, or " \
	    "wait until old messages are removed")                         \
	X(MAP_SIZE, "store.map_size", NULL)

enum limits_which {
#define X(name, key, text) LIMITS_##name,
	LIMITS_TABLE(X)
#undef X
	    LIMITS_COUNT
};

/* All zero: none was reached.  Any thread. */
struct limits {
	atomic_ullong reached[LIMITS_COUNT];
};

/** limits_reached(net, which): count one more. */
void limits_reached(struct net *net, enum limits_which which);

/** limits_error(s, ref, which): count it, and answer ERROR "limit". */
void limits_error(struct sess *s, uint64_t ref, enum limits_which which);

/** limits_of(request): which one an operation met that the log refused with
 * SN_ELIMIT. */
enum limits_which limits_of(const struct oplog_request *request);

/** limits_status(net): {"key":times, ...}, all of them. */
json_t *limits_status(struct net *net);

#endif
