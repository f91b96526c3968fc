#ifndef SERVER_PARENT_CONTROL_H
#define SERVER_PARENT_CONTROL_H

#include <poll.h>

#include "server/parent/parent.h"

/*
 * The control socket: one JSON object a line each way, for root, for the
 * server's own user, and for those that the configuration names.  Commands
 * are run one after the other; a client that is slow to write or to read
 * holds up nobody.
 */
struct control;

#define CONTROL_CLIENTS 16
#define CONTROL_POLLFDS (1 + CONTROL_CLIENTS)

/** control_open(parent, out, why): the socket: 0600, in a folder of 0700;
 * 0666 and 0711 when there are administrators of other uids.
 * SN_EMODE when its folder is open to others, SN_EIO. */
enum sn_err control_open(struct parent *parent, struct control **out,
    struct sn_why *why) SN_MUST_USE;
void control_close(struct control *c);

/** control_poll(c, fds): what to wait for; control_timeout: how long (ms);
 * control_work: act on what poll(2) found. */
unsigned control_poll(struct control *c, struct pollfd *fds);
int control_timeout(const struct control *c);
void control_work(struct control *c, const struct pollfd *fds, unsigned n);

#endif
