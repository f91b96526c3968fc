#ifndef SERVER_KEEPER_KEEPER_VAULT_H
#define SERVER_KEEPER_KEEPER_VAULT_H

#include "server/keeper/keeper_account.h"
#include "server/keeper/keeper_client.h"
#include "server/keeper/keeper_failure.h"
#include "server/keeper/keeper_token.h"

/*
 * What the keeper remembers, each change one transaction that is durable
 * when the function returns.  Times are wall clock in ms.
 */
struct keeper_vault {
	struct sn_store *store;
	bool reading_only; /* The disk failed before this keeper was started. */
	struct keeper_delays delays;
	uint64_t token_life;
	uint64_t secret_life;
	struct keeper_token_keys tokens;
	/* A failure that could not be written yet: until it is, nobody may
	 * try, or a full disk would make guessing free. */
	bool unwritten;
	uint64_t unwritten_account;
	uint8_t unwritten_fp[KEEPER_FINGERPRINT];
};

/** keeper_vault_open(vault, now, why): the store, whether it is only read,
 * the delays and the lives are set; readies the keys of tokens and drops stale
 * rows. */
enum sn_err keeper_vault_open(
    struct keeper_vault *vault, uint64_t now, struct sn_why *why) SN_MUST_USE;

/** keeper_vault_tend(vault, now): what is to be done now and then. */
void keeper_vault_tend(struct keeper_vault *vault, uint64_t now);

/**
 * keeper_vault_look(vault, account, fp, now, out, wait):
 * The account, and for how long the certificate is delayed (0: not).
 * SN_ENOTFOUND.
 */
enum sn_err keeper_vault_look(struct keeper_vault *vault, uint64_t account,
    const uint8_t *fp, uint64_t now, struct keeper_account *out,
    uint64_t *wait) SN_MUST_USE;

/** keeper_vault_fail(vault, account, fp, now): count a failure. */
void keeper_vault_fail(struct keeper_vault *vault, uint64_t account,
    const uint8_t *fp, uint64_t now);

/**
 * keeper_vault_pass(vault, account, fp, made, now, answer):
 * ${account}'s password was right: its failures are forgotten, ${made}
 * (unless "") is its hash from now on, and the answer gets a token.
 * SN_EAUTH when the password was changed since ${account} was looked at.
 */
enum sn_err keeper_vault_pass(struct keeper_vault *vault,
    const struct keeper_account *account, const uint8_t *fp, const char *made,
    uint64_t now, struct keeper_answer *answer) SN_MUST_USE;

/** keeper_vault_change: the same, where ${made} is of a new password: ends
 * the one-time secret and every token of before. */
enum sn_err keeper_vault_change(struct keeper_vault *vault,
    const struct keeper_account *account, const uint8_t *fp, const char *made,
    uint64_t now, struct keeper_answer *answer) SN_MUST_USE;

/** keeper_vault_resume: a token for a token.  SN_EAUTH. */
enum sn_err keeper_vault_resume(struct keeper_vault *vault, uint64_t account,
    const uint8_t *fp, struct sn_bytes token, uint64_t now,
    struct keeper_answer *answer) SN_MUST_USE;

/** keeper_vault_epoch(vault, account): void its tokens.  SN_ENOTFOUND when
 * there is no row that could be read, and so no token that is good. */
enum sn_err keeper_vault_epoch(
    struct keeper_vault *vault, uint64_t account) SN_MUST_USE;

/*
 * For administrators.  ${phc} is a password's hash, or NULL, and then
 * ${secret} is the one-time secret.
 */
/** SN_EEXISTS. */
enum sn_err keeper_vault_create(struct keeper_vault *vault, uint64_t account,
    const char *phc, struct sn_bytes secret, uint64_t now) SN_MUST_USE;
/** Void the tokens and clear the failures as well.  An account that is not
 * there, as after a backup made while it was added, or damaged, is made anew. */
enum sn_err keeper_vault_reset(struct keeper_vault *vault, uint64_t account,
    const char *phc, struct sn_bytes secret, uint64_t now) SN_MUST_USE;
/** Clear the failures.  SN_ENOTFOUND. */
enum sn_err keeper_vault_unlock(
    struct keeper_vault *vault, uint64_t account) SN_MUST_USE;
/** All there is of it.  SN_ENOTFOUND. */
enum sn_err keeper_vault_remove(
    struct keeper_vault *vault, uint64_t account) SN_MUST_USE;
/** Every row of an account that ${known} does not know. */
enum sn_err keeper_vault_keep(struct keeper_vault *vault,
    bool (*known)(void *arg, uint64_t account), void *arg,
    uint64_t *removed) SN_MUST_USE;

#endif
