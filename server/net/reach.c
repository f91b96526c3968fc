#include "server/net/reach.h"

#include <string.h>

#include "server/gate/subject_key.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/mapping.h"

struct check {
	struct sn_txn *txn;
	enum sn_subject_rule rule;
	void (*found)(void *arg, const struct reach_finding *finding);
	void *arg;
};

static void tell(const struct check *c, const char *word, const char *account,
    const char *subject, const char *why)
{
	const struct reach_finding finding = { word, account, subject, why };

	c->found(c->arg, &finding);
}

/* A whole subject counts under every rule, a URI or a name under its own. */
static bool counts(const struct check *c, const struct mapping *m)
{
	return (m->key[0] == SN_SUBJECT_DN || m->key[0] == c->rule);
}

static enum sn_err has_mapping(
    const struct check *c, uint64_t account, bool *has)
{
	struct mapping m = { .account = account };
	bool found;
	enum sn_err err;

	for (*has = false; !*has;) {
		err = mapping_next(c->txn, &m, &found);
		if (err != SN_OK || !found || m.account != account)
			return (err);
		*has = counts(c, &m);
	}
	return (SN_OK);
}

static enum sn_err check_account(const struct check *c, const struct account *a)
{
	struct subject_key key;
	bool has = false;
	uint64_t id;
	enum sn_err err = SN_ENOTFOUND;

	subject_key_of_name(c->rule, sn_bytes_of(a->name), &key);
	if (c->rule != SN_SUBJECT_DN)
		err = db_get_u64(
		    c->txn, DB_SUBJECTS, subject_key_bytes(&key), &id);
	if (err == SN_OK && id == a->id)
		return (SN_OK);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if ((err = has_mapping(c, a->id, &has)) != SN_OK || has)
		return (err);
	tell(c, "unreachable", a->name, "",
	    c->rule == SN_SUBJECT_DN
		? "under the rule dn a subject must be mapped to it: sicherctl "
		  "map add ACCOUNT CERT.pem"
		: "it was made under another rule: sicherctl map add ACCOUNT "
		  "leads its name to it under this one");
	return (SN_OK);
}

static enum sn_err check_accounts(const struct check *c, uint64_t *count)
{
	struct sn_bytes key, value;
	struct sn_cursor *cursor;
	struct account a;
	enum sn_err err;

	*count = 0;
	err = sn_cursor_open(c->txn, DB_ACCOUNT_NAMES, &cursor);
	if (err != SN_OK)
		return (err);
	err = sn_cursor_first(cursor, &key, &value);
	for (; err == SN_OK; err = sn_cursor_next(cursor, &key, &value)) {
		if ((err = account_find(c->txn, key, &a)) != SN_OK ||
		    (err = check_account(c, &a)) != SN_OK)
			break;
		++*count;
	}
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* The account that the subject's name leads to by itself, where it is not
 * the one it is mapped to. */
static enum sn_err other(const struct check *c, const struct mapping *m,
    struct account *out, bool *is_other)
{
	struct subject_key key;
	enum sn_err err;

	*is_other = false;
	if (c->rule != SN_SUBJECT_CN || m->key[0] != SN_SUBJECT_DN ||
	    m->name[0] == '\0')
		return (SN_OK);
	subject_key_of_name(SN_SUBJECT_CN, sn_bytes_of(m->name), &key);
	err = account_of_subject(c->txn, subject_key_bytes(&key), out);
	*is_other = err == SN_OK && out->id != m->account;
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err check_mapping(const struct check *c, const struct mapping *m)
{
	struct account a, b;
	bool is_other;
	enum sn_err err;

	if ((err = account_get(c->txn, m->account, &a)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	if (!counts(c, m))
		tell(c, "unused", a.name, m->text,
		    "it was mapped under another rule and nobody is asked for "
		    "it now; sicherctl map remove takes it away");
	if ((err = other(c, m, &b, &is_other)) != SN_OK)
		return (err);
	if (is_other)
		tell(c, "ambiguous", a.name, m->text,
		    "its commonName is another account's name, so that its "
		    "certificates are refused; sicherctl map remove takes the "
		    "mapping away");
	return (SN_OK);
}

enum sn_err reach_check(struct sn_txn *txn, enum sn_subject_rule rule,
    void (*found)(void *arg, const struct reach_finding *finding), void *arg,
    uint64_t *accounts)
{
	const struct check c = { txn, rule, found, arg };
	struct mapping m = { .account = 0 };
	bool more;
	enum sn_err err;

	if ((err = check_accounts(&c, accounts)) != SN_OK)
		return (err);
	while ((err = mapping_next(txn, &m, &more)) == SN_OK && more) {
		if ((err = check_mapping(&c, &m)) != SN_OK)
			break;
	}
	return (err);
}

enum sn_err reach_namesake(struct sn_txn *txn, enum sn_subject_rule rule,
    const char *name, struct mapping *out, bool *taken)
{
	bool more;
	enum sn_err err;

	*taken = false;
	memset(out, 0, sizeof(*out));
	if (rule != SN_SUBJECT_CN)
		return (SN_OK);
	while ((err = mapping_next(txn, out, &more)) == SN_OK && more) {
		*taken = out->key[0] == SN_SUBJECT_DN &&
			 strcmp(out->name, name) == 0;
		if (*taken)
			break;
	}
	return (err);
}
