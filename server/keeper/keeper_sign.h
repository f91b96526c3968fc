#ifndef SERVER_KEEPER_KEEPER_SIGN_H
#define SERVER_KEEPER_KEEPER_SIGN_H

#include "server/keeper/keeper_key.h"

/*
 * The thread that signs handshakes, so that one never waits for the disk
 * or for a password.  It has its own sockets, the key in use and the one
 * before it, and no way to anything else the keeper knows.  The packets
 * are those of server/keeper/provider.h; the error bytes:
 */
enum keeper_sign_error {
	KEEPER_SIGN_OK,
	KEEPER_SIGN_MALFORMED, /* No server's CertificateVerify. */
	KEEPER_SIGN_NO_KEY,
	KEEPER_SIGN_RATE, /* More than the configured signatures a second. */
	KEEPER_SIGN_FAILED,
};

struct keeper_sign_counts {
	uint64_t made, refused;
	uint64_t over_rate; /* Of those refused. */
};

struct keeper_sign;

/** keeper_sign_start(rate, key, out): ${rate} signatures a second, 0: any;
 * takes ${key} on success. */
enum sn_err keeper_sign_start(uint64_t rate, struct keeper_key *key,
    struct keeper_sign **out) SN_MUST_USE;

/** keeper_sign_stop(sign): joins the thread; NULL is fine. */
void keeper_sign_stop(struct keeper_sign *sign);

/** keeper_sign_channels(sign, fds, n): these sockets, which are taken, in
 * place of those before.  Closed on failure: SN_ENOMEM. */
enum sn_err keeper_sign_channels(
    struct keeper_sign *sign, const int *fds, unsigned n) SN_MUST_USE;

/** keeper_sign_key(sign, key): takes it; the one before stays of use. */
enum sn_err keeper_sign_key(
    struct keeper_sign *sign, struct keeper_key *key) SN_MUST_USE;

/** keeper_sign_counts(sign): from any thread. */
struct keeper_sign_counts keeper_sign_counts(const struct keeper_sign *sign);

/** keeper_sign_rate(sign, rate): from now on so many a second; any thread. */
void keeper_sign_rate(struct keeper_sign *sign, uint64_t rate);

#endif
