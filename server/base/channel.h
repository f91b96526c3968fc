#ifndef SERVER_BASE_CHANNEL_H
#define SERVER_BASE_CHANNEL_H

#include <stddef.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * Messages between our processes: packets over SOCK_SEQPACKET, with
 * descriptors where some are handed over.
 */
#define CHANNEL_FDS_MAX 128
#define CHANNEL_MESSAGE_MAX 131072

/** channel_pair(fds): two connected ends, closed on exec.  SN_EIO. */
enum sn_err channel_pair(int fds[2]) SN_MUST_USE;

/**
 * channel_send(fd, message, fds, count):
 * Send a packet with copies of ${count} descriptors.  SN_EAGAIN when a
 * non-blocking socket is full, SN_ECLOSED, SN_ETOOBIG, SN_EIO.
 */
enum sn_err channel_send(int fd, struct sn_bytes message, const int *fds,
    unsigned count) SN_MUST_USE;

/**
 * channel_recv(fd, out, size, n, fds, max, count):
 * Receive a packet and its descriptors, which are the caller's (closed on
 * exec).  SN_EAGAIN, SN_ECLOSED at the end, SN_ETOOBIG when packet or
 * descriptors did not fit (nothing is leaked then), SN_EIO.
 */
enum sn_err channel_recv(int fd, void *out, size_t size, size_t *n, int *fds,
    unsigned max, unsigned *count) SN_MUST_USE;

#endif
