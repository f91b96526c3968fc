#ifndef SERVER_KEEPER_KEEPER_TOKEN_H
#define SERVER_KEEPER_KEEPER_TOKEN_H

#include "lib/bytes.h"
#include "server/keeper/keeper_db.h"

/*
 * Resume tokens.  What a token says can be read by whoever holds it; that
 * it is true is said by a MAC over it, the account and the certificate:
 *
 *	version (1), key id (8), auth epoch (8), time of password entry in
 *	ms (8), HMAC-SHA256 (32)
 *
 * It lives from the entry of the password, however often it is used.
 */
#define KEEPER_TOKEN_BYTES (1 + 8 + 8 + 8 + 32)
#define KEEPER_TOKEN_KEY 32
#define KEEPER_TOKEN_KEYS 8

struct keeper_token_key {
	uint64_t id;
	uint64_t made_ms;
	uint8_t key[KEEPER_TOKEN_KEY];
};

/* The newest comes last and signs; the others only check. */
struct keeper_token_keys {
	unsigned count;
	struct keeper_token_key keys[KEEPER_TOKEN_KEYS];
};

struct keeper_token {
	uint64_t account;
	const uint8_t *fp; /* 32 bytes. */
	uint64_t epoch;
	uint64_t entered_ms;
};

/**
 * keeper_token_keys_load(txn, now, life, out):
 * Read the keys; make a new one when the newest is a week old or there is
 * none, and remove those whose last token has run out.
 */
enum sn_err keeper_token_keys_load(struct sn_txn *txn, uint64_t now,
    uint64_t life, struct keeper_token_keys *out) SN_MUST_USE;

/** keeper_token_keys_read(txn, out): the keys as they are, to be used on where
 * nothing can be written. */
enum sn_err keeper_token_keys_read(
    struct sn_txn *txn, struct keeper_token_keys *out) SN_MUST_USE;

/** keeper_token_keys_due(keys, now): keeper_token_keys_load would make one. */
bool keeper_token_keys_due(const struct keeper_token_keys *keys, uint64_t now);

/** keeper_token_make(keys, token, out): SN_ECRYPTO; SN_ESTORE when there is no
 * key. */
enum sn_err keeper_token_make(const struct keeper_token_keys *keys,
    const struct keeper_token *token,
    uint8_t out[KEEPER_TOKEN_BYTES]) SN_MUST_USE;

/**
 * keeper_token_check(keys, bytes, want, now, life, entered_ms):
 * Whether ${bytes} are a token for the account, certificate and epoch of
 * ${want}, and alive; *${entered_ms} is when its password was entered.
 * SN_EAUTH, without saying why.
 */
enum sn_err keeper_token_check(const struct keeper_token_keys *keys,
    struct sn_bytes bytes, const struct keeper_token *want, uint64_t now,
    uint64_t life, uint64_t *entered_ms) SN_MUST_USE;

#endif
