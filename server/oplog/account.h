#ifndef SERVER_OPLOG_ACCOUNT_H
#define SERVER_OPLOG_ACCOUNT_H

#include <stdint.h>

#include "lib/name.h"
#include "lib/store.h"

enum account_state { ACCOUNT_ACTIVE, ACCOUNT_DISABLED, ACCOUNT_DELETED };
enum account_role { ACCOUNT_USER, ACCOUNT_OPERATOR };

#define ACCOUNT_DISPLAY_MAX 128

/* A person or machine.  The id is never used again; the name may be. */
struct account {
	uint64_t id;
	enum account_state state;
	enum account_role role;
	uint64_t created; /* ms since 1970 */
	char name[SN_NAME_MAX + 1];
	char display[ACCOUNT_DISPLAY_MAX + 1];
	/* What its certificates' subjects must be; see lib/subject.h. */
	uint8_t subject[512];
	size_t subject_len;
};

/** account_get(txn, id, out): SN_ENOTFOUND, SN_ECORRUPT. */
enum sn_err account_get(
    struct sn_txn *txn, uint64_t id, struct account *out) SN_MUST_USE;

/** account_find(txn, name, out): by name; deleted ones are not found. */
enum sn_err account_find(
    struct sn_txn *txn, struct sn_bytes name, struct account *out) SN_MUST_USE;

/** account_of_subject(txn, key, out): the account a subject key opens. */
enum sn_err account_of_subject(
    struct sn_txn *txn, struct sn_bytes key, struct account *out) SN_MUST_USE;

/**
 * account_tombstone(txn, key, out):
 * When an account of this subject was last deleted, in seconds; 0 if never.
 */
enum sn_err account_tombstone(
    struct sn_txn *txn, struct sn_bytes key, uint64_t *out) SN_MUST_USE;

/** account_put(txn, account): write the record (apply alone calls it). */
enum sn_err account_put(
    struct sn_txn *txn, const struct account *account) SN_MUST_USE;

/** account_state_word(state): "active", "disabled", "deleted". */
const char *account_state_word(enum account_state state);
const char *account_role_word(enum account_role role);

#endif
