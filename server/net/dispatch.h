#ifndef SERVER_NET_DISPATCH_H
#define SERVER_NET_DISPATCH_H

#include "server/net/sess.h"

/**
 * dispatch_frame(s, frame):
 * Look ${frame} up in the one table of what may come in which state and how
 * big, and hand it to its handler.  What is not in the table is refused:
 * before ready the session ends, from ready on it gets an ERROR.
 */
void dispatch_frame(struct sess *s, const struct sn_frame *frame);

/** dispatch_reads(frame): whether what it asks for is read from the log's
 * tables, which must hold what anybody was told of before; see settle.h. */
bool dispatch_reads(const struct sn_frame *frame);

/**
 * dispatch_bad(s, frame, text):
 * A field of ${frame} is missing, of another type or out of its range: before
 * ready the session ends, from ready on it gets ERROR "bad-frame" with the
 * frame's ref where that can be read.
 */
void dispatch_bad(
    struct sess *s, const struct sn_frame *frame, const char *text);

/* The handlers.  Each parses its frame and then acts. */
#define DISPATCH_HANDLER(name) \
	void name(struct sess *s, const struct sn_frame *frame)
DISPATCH_HANDLER(login_on_hello);
DISPATCH_HANDLER(login_on_auth);
DISPATCH_HANDLER(login_on_resume);
DISPATCH_HANDLER(login_on_password);
DISPATCH_HANDLER(login_on_logout);
DISPATCH_HANDLER(send_on_send);
DISPATCH_HANDLER(follow_on_sync);
DISPATCH_HANDLER(follow_on_ack);
DISPATCH_HANDLER(follow_on_credit);
DISPATCH_HANDLER(history_on_history);
DISPATCH_HANDLER(receipt_read_on_read);
DISPATCH_HANDLER(signals_on_signal);
DISPATCH_HANDLER(directory_on_directory);
DISPATCH_HANDLER(presence_on_set);
DISPATCH_HANDLER(presence_query_on_get);
DISPATCH_HANDLER(receipt_query_on_receipts);
DISPATCH_HANDLER(rooms_on_create);
DISPATCH_HANDLER(rooms_on_join);
DISPATCH_HANDLER(rooms_on_leave);
DISPATCH_HANDLER(rooms_on_invite);
DISPATCH_HANDLER(rooms_on_remove);
DISPATCH_HANDLER(room_list_on_list);
DISPATCH_HANDLER(room_members_on_members);
DISPATCH_HANDLER(rooms_on_topic);
DISPATCH_HANDLER(rooms_on_delete);
DISPATCH_HANDLER(rooms_on_history);
DISPATCH_HANDLER(rooms_on_role);

#endif
