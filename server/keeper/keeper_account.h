#ifndef SERVER_KEEPER_KEEPER_ACCOUNT_H
#define SERVER_KEEPER_KEEPER_ACCOUNT_H

#include "server/keeper/argon.h"
#include "server/keeper/keeper_db.h"

/*
 * What the keeper knows of an account.  It has a password, or a one-time
 * secret that is waiting to become one, never both.  The one-time secret
 * has 128 random bits or more, so a plain hash of it keeps it.
 */
#define KEEPER_ACCOUNT_SECRET 32

struct keeper_account {
	uint64_t id;
	uint64_t epoch;          /* Tokens of another epoch are void. */
	uint64_t generation;     /* Grows with each change of password. */
	char phc[ARGON_PHC_MAX]; /* "": none. */
	uint8_t secret[KEEPER_ACCOUNT_SECRET]; /* Hash of the secret. */
	uint64_t secret_until;                 /* ms; 0: there is none. */
};

/** keeper_account_get(txn, id, out): SN_ENOTFOUND, SN_ECORRUPT. */
enum sn_err keeper_account_get(
    struct sn_txn *txn, uint64_t id, struct keeper_account *out) SN_MUST_USE;
enum sn_err keeper_account_put(
    struct sn_txn *txn, const struct keeper_account *account) SN_MUST_USE;
/** keeper_account_remove: SN_ENOTFOUND. */
enum sn_err keeper_account_remove(struct sn_txn *txn, uint64_t id) SN_MUST_USE;

/** keeper_account_set_phc(account, phc): from now on this password. */
void keeper_account_set_phc(struct keeper_account *account, const char *phc);

/** keeper_account_set_secret(account, text, until): from now on this. */
void keeper_account_set_secret(
    struct keeper_account *account, struct sn_bytes text, uint64_t until);

/** keeper_account_is_secret(account, text, now): it waits for this one. */
bool keeper_account_is_secret(
    const struct keeper_account *account, struct sn_bytes text, uint64_t now);

#endif
