#include "server/keeper/keeper_token.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "lib/secret.h"
#include "server/base/db_key.h"
#include "server/base/record.h"

#define VERSION 1
#define KEY_VERSION 1
#define MAC_BYTES 32
#define KEY_ROW (8 + KEEPER_TOKEN_KEY + RECORD_OVERHEAD)
#define ROTATE_MS (UINT64_C(7) * 24 * 60 * 60 * 1000)
/* A clock set back a little need not cost everybody a password. */
#define TOLERANCE_MS (UINT64_C(5) * 60 * 1000)

static enum sn_err hmac(
    const uint8_t *key, const uint8_t *p, size_t n, uint8_t out[MAC_BYTES])
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
	size_t len = 0;
	int ok;

	ok = ctx != NULL &&
	     EVP_MAC_init(ctx, key, KEEPER_TOKEN_KEY, params) == 1 &&
	     EVP_MAC_update(ctx, p, n) == 1 &&
	     EVP_MAC_final(ctx, out, &len, MAC_BYTES) == 1 && len == MAC_BYTES;
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return (ok ? SN_OK : SN_ECRYPTO);
}

/* What is sent comes first in what is authenticated. */
static enum sn_err seal(const struct keeper_token_key *key,
    const struct keeper_token *token, struct sn_wr *out)
{
	uint8_t input[KEEPER_TOKEN_BYTES - MAC_BYTES + 8 + 32];
	uint8_t sum[MAC_BYTES];
	struct sn_wr w = sn_wr_over(input, sizeof(input));
	enum sn_err err;

	sn_wr_u8(&w, VERSION);
	sn_wr_u64(&w, key->id);
	sn_wr_u64(&w, token->epoch);
	sn_wr_u64(&w, token->entered_ms);
	sn_wr_put(out, input, w.n);
	sn_wr_u64(&w, token->account);
	sn_wr_put(&w, token->fp, 32);
	if ((err = hmac(key->key, input, w.n, sum)) != SN_OK)
		return (err);
	sn_wr_put(out, sum, sizeof(sum));
	return (w.bad || out->bad ? SN_EBUG : SN_OK);
}

enum sn_err keeper_token_make(const struct keeper_token_keys *keys,
    const struct keeper_token *token, uint8_t out[KEEPER_TOKEN_BYTES])
{
	struct sn_wr w = sn_wr_over(out, KEEPER_TOKEN_BYTES);

	if (keys->count == 0)
		return (SN_ESTORE);
	return (seal(&keys->keys[keys->count - 1], token, &w));
}

static bool alive(uint64_t entered, uint64_t now, uint64_t life)
{
	if (entered > now)
		return (entered - now <= TOLERANCE_MS);
	return (now - entered < life);
}

enum sn_err keeper_token_check(const struct keeper_token_keys *keys,
    struct sn_bytes bytes, const struct keeper_token *want, uint64_t now,
    uint64_t life, uint64_t *entered_ms)
{
	struct sn_rd r = sn_rd_over(bytes.p, bytes.n);
	struct keeper_token token = *want;
	uint8_t right[KEEPER_TOKEN_BYTES];
	struct sn_wr w = sn_wr_over(right, sizeof(right));
	const struct keeper_token_key *key = NULL;
	uint64_t id;

	if (bytes.n != KEEPER_TOKEN_BYTES || sn_rd_u8(&r) != VERSION)
		return (SN_EAUTH);
	id = sn_rd_u64(&r);
	(void)sn_rd_u64(&r);
	token.entered_ms = sn_rd_u64(&r);
	for (unsigned i = 0; i < keys->count; i++) {
		if (keys->keys[i].id == id)
			key = &keys->keys[i];
	}
	/* The right token is made anew, with the epoch of now, and compared
	 * whole. */
	if (key == NULL || seal(key, &token, &w) != SN_OK ||
	    !sn_secret_equal(right, bytes.p, sizeof(right)) ||
	    !alive(token.entered_ms, now, life))
		return (SN_EAUTH);
	*entered_ms = token.entered_ms;
	return (SN_OK);
}

static enum sn_err parse_key(
    struct sn_bytes key, struct sn_bytes value, struct keeper_token_key *out)
{
	struct sn_rd r;
	enum sn_err err;

	if ((err = db_u64(key, &out->id)) != SN_OK ||
	    (err = record_open(value, KEY_VERSION, &r)) != SN_OK)
		return (err);
	out->made_ms = sn_rd_u64(&r);
	sn_rd_copy(&r, out->key, sizeof(out->key));
	return (r.bad ? SN_ECORRUPT : SN_OK);
}

enum sn_err keeper_token_keys_read(
    struct sn_txn *txn, struct keeper_token_keys *out)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	out->count = 0;
	if ((err = sn_cursor_open(txn, KEEPER_DB_KEYS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &value);
	while (err == SN_OK && out->count < KEEPER_TOKEN_KEYS) {
		err = parse_key(key, value, &out->keys[out->count]);
		if (err == SN_OK) {
			out->count++;
			err = sn_cursor_next(c, &key, &value);
		}
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err add_key(
    struct sn_txn *txn, uint64_t now, struct keeper_token_keys *keys)
{
	struct keeper_token_key *fresh = &keys->keys[keys->count];
	uint8_t row[KEY_ROW];
	struct sn_wr w = sn_wr_over(row, sizeof(row));
	struct db_key key;
	enum sn_err err;

	fresh->id = keys->count > 0 ? fresh[-1].id + 1 : 1;
	fresh->made_ms = now;
	sn_secret_random(fresh->key, sizeof(fresh->key));
	record_begin(&w, KEY_VERSION);
	sn_wr_u64(&w, fresh->made_ms);
	sn_wr_put(&w, fresh->key, sizeof(fresh->key));
	record_finish(&w);
	key = db_key1(fresh->id);
	err = sn_txn_put(
	    txn, KEEPER_DB_KEYS, db_bytes(&key), (struct sn_bytes){ row, w.n });
	sn_secret_wipe(row, sizeof(row));
	if (err == SN_OK)
		keys->count++;
	return (err);
}

/* A key is of use until the last token it made before the next came. */
static bool worn_out(
    const struct keeper_token_keys *keys, uint64_t now, uint64_t life)
{
	uint64_t next;

	if (keys->count < 2)
		return (false);
	next = keys->keys[1].made_ms;
	return (keys->count == KEEPER_TOKEN_KEYS ||
		(now > next && now - next > life + TOLERANCE_MS));
}

bool keeper_token_keys_due(const struct keeper_token_keys *keys, uint64_t now)
{
	return (keys->count == 0 ||
		now >= keys->keys[keys->count - 1].made_ms + ROTATE_MS);
}

enum sn_err keeper_token_keys_load(struct sn_txn *txn, uint64_t now,
    uint64_t life, struct keeper_token_keys *out)
{
	struct db_key key;
	enum sn_err err;

	if ((err = keeper_token_keys_read(txn, out)) != SN_OK)
		return (err);
	while (worn_out(out, now, life)) {
		key = db_key1(out->keys[0].id);
		err = sn_txn_delete(txn, KEEPER_DB_KEYS, db_bytes(&key));
		if (err != SN_OK)
			return (err);
		memmove(&out->keys[0], &out->keys[1],
		    --out->count * sizeof(out->keys[0]));
	}
	return (
	    keeper_token_keys_due(out, now) ? add_key(txn, now, out) : SN_OK);
}
