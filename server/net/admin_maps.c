#include <stdio.h>
#include <string.h>

#include "lib/cert.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "server/gate/subject_key.h"
#include "server/net/admin.h"
#include "server/net/owner.h"
#include "server/net/reach.h"
#include "server/oplog/db.h"
#include "server/oplog/mapping.h"

#define PAGE 200
#define SHOWN 100 /* Findings of a check that are told one by one. */
#define DIGEST_PREFIX "sha256:"
#define URN "urn:sichernetz:account:"
#define KEY_TEXT (sizeof(URN) + MAPPING_KEY_MAX)

/* A mapping's key as it is listed and named: "sha256:HEX", a URI (that of
 * the account's name written out), or a name, which has no colon. */
static const char *key_text(const struct mapping *m, char out[KEY_TEXT])
{
	const uint8_t *value = m->key + 1;
	size_t n = m->key_len - 1;

	if (m->key[0] == SN_SUBJECT_DN) {
		memcpy(out, DIGEST_PREFIX, sizeof(DIGEST_PREFIX));
		(void)sn_bytes_hex(value, n, out + strlen(DIGEST_PREFIX));
		return (out);
	}
	(void)snprintf(out, KEY_TEXT, "%s%.*s",
	    m->key[0] == SN_SUBJECT_SAN_URI && memchr(value, ':', n) == NULL
		? URN
		: "",
	    (int)n, (const char *)value);
	return (out);
}

static void set_key(struct mapping *m, const struct subject_key *key)
{
	memcpy(m->key, key->bytes, key->len);
	m->key_len = key->len;
}

/* The subject of a certificate, whatever is in it. */
static json_t *map_certificate(struct sn_bytes pem, struct mapping *m)
{
	char claim[SN_NAME_MAX + 1], label[SN_NAME_MAX + 1];
	struct sn_cert_refusal refusal = { .word = "" };
	uint8_t digest[SN_SUBJECT_DIGEST];
	struct sn_subject_key cn;
	struct subject_key key;
	struct sn_why why = { "" };
	STACK_OF(X509) * chain;
	X509 *leaf;

	if (sn_cert_read(pem, &chain, &why) != SN_OK)
		return (admin_failed("invalid", "%s", why.text));
	leaf = sk_X509_value(chain, 0);
	if (sn_subject_claim(leaf, digest, claim, label, &refusal) != SN_OK) {
		sn_cert_free(chain);
		return (admin_failed("refused", "%s", refusal.why.text));
	}
	subject_key_of_digest(digest, &key);
	set_key(m, &key);
	(void)sn_cert_name(X509_get_subject_name(leaf), m->text);
	if (sn_subject_key(leaf, SN_SUBJECT_CN, &cn, label, NULL) == SN_OK) {
		memcpy(m->name, cn.bytes, cn.len);
		m->name[cn.len] = '\0';
	}
	sn_cert_free(chain);
	return (NULL);
}

static json_t *map_uri(struct net *net, const char *uri, struct mapping *m)
{
	struct subject_key key;

	if (net->rule != SN_SUBJECT_SAN_URI)
		return (admin_failed("invalid",
		    "a URI can be mapped under account.rule = \"san-uri\", "
		    "and here it is \"%s\"; map the certificate's whole "
		    "subject instead",
		    sn_subject_rule_word(net->rule)));
	if (strlen(uri) >= MAPPING_KEY_MAX || strchr(uri, ':') == NULL ||
	    strchr(uri, '*') != NULL || strncmp(uri, URN, strlen(URN)) == 0 ||
	    strncmp(uri, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0)
		return (admin_failed("invalid",
		    "\"%.80s\" cannot be mapped: a URI has a scheme, no "
		    "wildcard and at most %d bytes, and " URN " names its "
		    "account itself",
		    uri, MAPPING_KEY_MAX - 1));
	subject_key_of_name(SN_SUBJECT_SAN_URI, sn_bytes_of(uri), &key);
	set_key(m, &key);
	(void)snprintf(m->text, sizeof(m->text), "%s", uri);
	return (NULL);
}

static json_t *map_own_name(
    struct net *net, const struct account *account, struct mapping *m)
{
	struct subject_key key;

	if (net->rule == SN_SUBJECT_DN)
		return (admin_failed("invalid",
		    "under account.rule = \"dn\" a certificate is needed, "
		    "whose subject is mapped: sicherctl map add %s CERT.pem",
		    account->name));
	subject_key_of_name(net->rule, sn_bytes_of(account->name), &key);
	set_key(m, &key);
	(void)snprintf(m->text, sizeof(m->text), "%s", account->name);
	return (NULL);
}

/* Whom the key, or the name in the subject, leads to already. */
static json_t *check_taken(
    struct net *net, const struct account *account, const struct mapping *m)
{
	struct account by_key = { .id = 0 }, by_name = { .id = 0 };
	struct subject_key key;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		err = account_of_subject(txn, mapping_key(m), &by_key);
		if (err == SN_ENOTFOUND)
			err = SN_OK;
		subject_key_of_name(SN_SUBJECT_CN, sn_bytes_of(m->name), &key);
		if (err == SN_OK && net->rule == SN_SUBJECT_CN &&
		    m->name[0] != '\0')
			err = account_of_subject(
			    txn, subject_key_bytes(&key), &by_name);
		sn_txn_abort(txn);
	}
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (admin_failed(
		    "internal", "cannot read accounts: %s", sn_err_text(err)));
	if (by_key.id != 0)
		return (admin_failed("exists",
		    "that leads to the account %s already; sicherctl map list "
		    "%s",
		    by_key.name, by_key.name));
	if (by_name.id != 0 && by_name.id != account->id)
		return (admin_failed("refused",
		    "the subject's commonName is the account %s's name; mapped "
		    "to %s it would be ambiguous, and its certificates refused",
		    by_name.name, account->name));
	return (NULL);
}

static json_t *describe(const struct mapping *m, const char *account)
{
	char when[SN_CLOCK_TEXT], key[KEY_TEXT], at[2 * MAPPING_KEY_MAX + 1];

	return (json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "account", account,
	    "account_id", (json_int_t)m->account, "key", key_text(m, key),
	    "subject", m->text, "since",
	    sn_clock_rfc3339((int64_t)(m->time / SN_MS_PER_S), when), "at",
	    sn_bytes_hex(m->key, m->key_len, at)));
}

/* Sessions that came in by a key, or could have, and whose they are now. */
struct review {
	const struct mapping *mapping;
	atomic_uint closed;
};

static bool concerns(const struct review *r, const struct gate_peer *peer)
{
	struct subject_key key;

	subject_key_of_digest(peer->digest, &key);
	if (sn_bytes_equal(subject_key_bytes(&key), mapping_key(r->mapping)))
		return (true);
	subject_key(&peer->key, &key);
	return (
	    sn_bytes_equal(subject_key_bytes(&key), mapping_key(r->mapping)));
}

static void review_in(struct loop *loop, void *arg)
{
	struct review *r = arg;
	struct sess *s, *next;
	struct sn_txn *txn;
	struct owner owner;

	for (s = loop->all; s != NULL; s = next) {
		next = s->next;
		if (s->account == 0 || s->state == SESS_DRAINING ||
		    !concerns(r, s->peer))
			continue;
		if (loop_read_fresh(loop, &txn) == SN_OK &&
		    owner_find(txn, s->peer, &owner) == SN_OK &&
		    owner.refusal == NULL && owner.account.id == s->account)
			continue;
		sess_expel(s, "no-account",
		    "your certificate opens no account here any more");
		atomic_fetch_add(&r->closed, 1);
	}
}

static unsigned review(struct net *net, const struct mapping *m)
{
	struct review r = { .mapping = m };

	net_each_loop(net, review_in, &r);
	return (atomic_load(&r.closed));
}

static void log_change(
    const char *event, const struct account *a, const struct mapping *m)
{
	char key[KEY_TEXT], text[SN_CERT_NAME + 64], quoted[KEY_TEXT + 64];

	(void)key_text(m, key);
	sn_log(SN_NOTICE, event, "account=\"%s\" subject=%s key=%s", a->name,
	    sn_log_quote(text, sizeof(text), m->text, strlen(m->text)),
	    sn_log_quote(quoted, sizeof(quoted), key, strlen(key)));
}

json_t *admin_map_add(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct op op = { .kind = OP_SUBJECT_MAP, .time = sn_clock_wall_ms() };
	const char *pem = admin_text(request, "pem");
	const char *uri = admin_text(request, "uri");
	struct mapping *m = &op.subject_map;
	struct account account;
	unsigned closed;
	json_t *reply;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &reply))
		return (reply);
	m->account = account.id;
	m->time = op.time;
	if (pem[0] != '\0')
		reply = map_certificate(sn_bytes_of(pem), m);
	else if (uri[0] != '\0')
		reply = map_uri(net, uri, m);
	else
		reply = map_own_name(net, &account, m);
	if (reply != NULL || (reply = check_taken(net, &account, m)) != NULL ||
	    !admin_apply(net, &op, &reply))
		return (reply);
	log_change("subject.mapped", &account, m);
	closed = review(net, m);
	reply = describe(m, account.name);
	(void)json_object_set_new(reply, "ok", json_true());
	(void)json_object_set_new(reply, "closed", json_integer(closed));
	return (reply);
}

/* The account's mapping that ${text} names as it is listed. */
static enum sn_err find(
    struct net *net, uint64_t account, const char *text, struct mapping *m)
{
	char key[KEY_TEXT];
	struct sn_txn *txn;
	bool found, same = false;
	enum sn_err err;

	memset(m, 0, sizeof(*m));
	m->account = account;
	if ((err = sn_txn_read(net->store, &txn)) != SN_OK)
		return (err);
	while (!same && (err = mapping_next(txn, m, &found)) == SN_OK) {
		if (!found || m->account != account) {
			err = SN_ENOTFOUND;
			break;
		}
		same = strcmp(key_text(m, key), text) == 0;
	}
	sn_txn_abort(txn);
	return (err);
}

json_t *admin_map_remove(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct op op = { .kind = OP_SUBJECT_UNMAP, .time = sn_clock_wall_ms() };
	const char *text = admin_text(request, "key");
	struct account account;
	struct mapping m;
	json_t *reply;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (!admin_find(net, request, &account, &reply))
		return (reply);
	if ((err = find(net, account.id, text, &m)) == SN_ENOTFOUND)
		return (admin_failed("not-found",
		    "nothing \"%.80s\" is mapped to %s; sicherctl map list "
		    "%s shows what is",
		    text, account.name, account.name));
	if (err != SN_OK)
		return (admin_failed(
		    "internal", "cannot read mappings: %s", sn_err_text(err)));
	op.subject_unmap.account = account.id;
	op.subject_unmap.key = mapping_key(&m);
	if (!admin_apply(net, &op, &reply))
		return (reply);
	log_change("subject.unmapped", &account, &m);
	return (json_pack("{s:b, s:s, s:s, s:i}", "ok", 1, "account",
	    account.name, "key", text, "closed", (int)review(net, &m)));
}

/* A page begins behind the last entry of the one before, which may be gone. */
static void start_behind(const json_t *after, struct mapping *m)
{
	const char *at = admin_text(after, "at");
	size_t n = strlen(at) / 2;

	if (n > sizeof(m->key) || !sn_bytes_unhex(at, m->key, n))
		return;
	m->key_len = n;
	m->account =
	    (uint64_t)json_integer_value(json_object_get(after, "account_id"));
}

static enum sn_err list(struct sn_txn *txn, struct mapping *m, uint64_t only,
    json_t *out, bool *more)
{
	struct account account;
	bool found;
	enum sn_err err;

	while ((err = mapping_next(txn, m, &found)) == SN_OK && found &&
	       (only == 0 || m->account == only)) {
		if (json_array_size(out) == PAGE) {
			*more = true;
			return (SN_OK);
		}
		if ((err = account_get(txn, m->account, &account)) != SN_OK)
			break;
		(void)json_array_append_new(out, describe(m, account.name));
	}
	return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
}

json_t *admin_map_list(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct mapping m = { .account = 0 };
	struct account account = { .id = 0 };
	json_t *out, *failure;
	struct sn_txn *txn;
	bool more = false;
	enum sn_err err;

	(void)fds;
	(void)count;
	if (admin_text(request, "account")[0] != '\0' &&
	    !admin_find(net, request, &account, &failure))
		return (failure);
	m.account = account.id;
	start_behind(json_object_get(request, "after"), &m);
	out = json_array();
	if ((err = sn_txn_read(net->store, &txn)) == SN_OK) {
		err = list(txn, &m, account.id, out, &more);
		sn_txn_abort(txn);
	}
	if (err != SN_OK) {
		json_decref(out);
		return (admin_failed(
		    "internal", "cannot read mappings: %s", sn_err_text(err)));
	}
	return (json_pack(
	    "{s:b, s:o, s:b}", "ok", 1, "mappings", out, "more", more));
}

struct findings {
	json_t *shown; /* NULL: to the log. */
	unsigned count;
};

static void note(void *arg, const struct reach_finding *f)
{
	struct findings *all = arg;
	char text[SN_CERT_NAME + 64];

	if (all->count++ >= SHOWN)
		return;
	if (all->shown != NULL)
		(void)json_array_append_new(
		    all->shown, json_pack("{s:s, s:s, s:s, s:s}", "finding",
				    f->word, "account", f->account, "subject",
				    f->subject, "why", f->why));
	else
		sn_log(SN_ALARM, "subject.check",
		    "finding=%s account=\"%s\" subject=%s why=\"%s\"", f->word,
		    f->account,
		    sn_log_quote(
			text, sizeof(text), f->subject, strlen(f->subject)),
		    f->why);
}

static enum sn_err check(
    struct net *net, struct findings *all, uint64_t *accounts)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(net->store, &txn)) != SN_OK)
		return (err);
	err = reach_check(txn, net->rule, note, all, accounts);
	sn_txn_abort(txn);
	return (err);
}

enum sn_err admin_map_start(struct net *net)
{
	struct findings all = { NULL, 0 };
	uint64_t accounts;
	enum sn_err err = check(net, &all, &accounts);

	if (err == SN_OK)
		sn_log(all.count > 0 ? SN_ALARM : SN_INFO, "subject.checked",
		    "rule=%s accounts=%llu findings=%u",
		    sn_subject_rule_word(net->rule),
		    (unsigned long long)accounts, all.count);
	return (err);
}

json_t *admin_map_check(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct findings all = { json_array(), 0 };
	uint64_t accounts;
	enum sn_err err;

	(void)request;
	(void)fds;
	(void)count;
	if ((err = check(net, &all, &accounts)) != SN_OK) {
		json_decref(all.shown);
		return (admin_failed(
		    "internal", "cannot read accounts: %s", sn_err_text(err)));
	}
	return (json_pack("{s:b, s:s, s:I, s:i, s:o}", "ok", 1, "rule",
	    sn_subject_rule_word(net->rule), "accounts", (json_int_t)accounts,
	    "count", (int)all.count, "findings", all.shown));
}
