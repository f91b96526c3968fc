#ifndef SERVER_NET_DIRECTORY_H
#define SERVER_NET_DIRECTORY_H

#include "server/net/sess.h"

/**
 * directory_keep(s):
 * s has logged in: remember its certificate, for those who ask for the
 * devices of its account.  Certificates are this node's own rows: what one is
 * follows from the fingerprint that the log has.
 */
void directory_keep(struct sess *s);

#endif
