#include "server/keeper/keeper_account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/secret.h"
#include "server/base/db_key.h"
#include "server/base/record.h"

#define VERSION 1
#define ROW_MAX (3 * 8 + 2 + ARGON_PHC_MAX + 32 + 8 + RECORD_OVERHEAD)

enum sn_err keeper_account_get(
    struct sn_txn *txn, uint64_t id, struct keeper_account *out)
{
	struct db_key key = db_key1(id);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	err = sn_txn_get(txn, KEEPER_DB_ACCOUNTS, db_bytes(&key), &value);
	if (err != SN_OK || (err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->id = id;
	out->epoch = sn_rd_u64(&r);
	out->generation = sn_rd_u64(&r);
	sn_rd_text(&r, out->phc, sizeof(out->phc));
	sn_rd_copy(&r, out->secret, sizeof(out->secret));
	out->secret_until = sn_rd_u64(&r);
	return (r.bad ? SN_ECORRUPT : SN_OK);
}

enum sn_err keeper_account_put(
    struct sn_txn *txn, const struct keeper_account *account)
{
	struct db_key key = db_key1(account->id);
	uint8_t row[ROW_MAX];
	struct sn_wr w = sn_wr_over(row, sizeof(row));

	record_begin(&w, VERSION);
	sn_wr_u64(&w, account->epoch);
	sn_wr_u64(&w, account->generation);
	sn_wr_blob(&w, sn_bytes_of(account->phc));
	sn_wr_put(&w, account->secret, sizeof(account->secret));
	sn_wr_u64(&w, account->secret_until);
	record_finish(&w);
	if (w.bad)
		return (SN_EBUG);
	return (sn_txn_put(txn, KEEPER_DB_ACCOUNTS, db_bytes(&key),
	    (struct sn_bytes){ row, w.n }));
}

enum sn_err keeper_account_remove(struct sn_txn *txn, uint64_t id)
{
	struct db_key key = db_key1(id);

	return (sn_txn_delete(txn, KEEPER_DB_ACCOUNTS, db_bytes(&key)));
}

void keeper_account_set_phc(struct keeper_account *account, const char *phc)
{
	memset(account->secret, 0, sizeof(account->secret));
	account->secret_until = 0;
	(void)snprintf(account->phc, sizeof(account->phc), "%s", phc);
	account->generation++;
}

/* Bound to the account, so that equal rows say nothing. */
static void secret_hash(
    uint64_t id, struct sn_bytes text, uint8_t out[KEEPER_ACCOUNT_SECRET])
{
	static const char label[] = "sichernetz one-time secret";
	struct db_key key = db_key1(id);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	/* SHA-256 fails for want of memory alone; nothing may pass then. */
	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, label, sizeof(label)) != 1 ||
	    EVP_DigestUpdate(ctx, key.bytes, key.n) != 1 ||
	    EVP_DigestUpdate(ctx, text.p, text.n) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

void keeper_account_set_secret(
    struct keeper_account *account, struct sn_bytes text, uint64_t until)
{
	account->phc[0] = '\0';
	secret_hash(account->id, text, account->secret);
	account->secret_until = until;
	account->generation++;
}

bool keeper_account_is_secret(
    const struct keeper_account *account, struct sn_bytes text, uint64_t now)
{
	uint8_t hash[KEEPER_ACCOUNT_SECRET];
	int equal;

	secret_hash(account->id, text, hash);
	equal = sn_secret_equal(hash, account->secret, sizeof(hash));
	return (equal && account->secret_until > now);
}
