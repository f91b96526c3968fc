#ifndef SERVER_NET_SESS_WORK_H
#define SERVER_NET_SESS_WORK_H

#include <stdbool.h>
#include <stdint.h>

struct sess;
struct sn_poll_watch;

/*
 * When a session does something: its socket is ready, its turn comes, or
 * time has passed.
 */

/** sess_ready(watch, can_read, can_write): what its socket calls. */
void sess_ready(struct sn_poll_watch *watch, bool can_read, bool can_write);

/** sess_begin(s): its turn to log in has come: begin the handshake. */
void sess_begin(struct sess *s);

/** sess_again(s): call sess_work in the next turn. */
void sess_again(struct sess *s);

/** sess_work(s): read, act, deliver, as far as this turn's share goes. */
void sess_work(struct sess *s);

/** sess_tick(s, now): once a second: silence, pings, certificate's end. */
void sess_tick(struct sess *s, uint64_t now);

/** sess_late(s): its deadline is past; see deadline.h. */
void sess_late(struct sess *s);

#endif
