#ifndef SERVER_NET_LOGIN_H
#define SERVER_NET_LOGIN_H

#include "server/keeper/keeper_client.h"
#include "server/oplog/oplog.h"
#include "server/net/sess.h"

/*
 * From the TCP connection to ready: TLS with the gate, HELLO, the second
 * factor, the device.
 */

/** login_tls(s, why): the TLS end of a new session, the gate attached. */
enum sn_err login_tls(struct sess *s, struct sn_why *why) SN_MUST_USE;

/** login_peer(s): after the handshake: who came in.  SN_ECERT. */
enum sn_err login_peer(struct sess *s) SN_MUST_USE;

/** login_end_visit(s): the gate is not asked any more; nothing the second
 * time. */
void login_end_visit(struct sess *s);

/** login_answer(s, answer): what the keeper says. */
void login_answer(struct sess *s, const struct keeper_answer *answer);

/** login_bound(s, request): the log's answer to binding the device. */
void login_bound(struct sess *s, const struct oplog_request *request);

/** login_stop(s): cancel what is pending. */
void login_stop(struct sess *s);

#endif
