#include "server/parent/match.h"

#include <sys/mman.h>

#include "server/keeper/keeper_account.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/parent/apart.h"
#include "server/parent/check.h"

struct match {
	const char *data;
	FILE *to;
	struct sn_txn *net, *keeper;
};

static bool is_closed(struct sn_txn *net, uint64_t id)
{
	struct account a;

	return (
	    account_get(net, id, &a) != SN_OK || a.state == ACCOUNT_DELETED);
}

/* Deleted between the two snapshots it is nobody's fault. */
static enum sn_err look_again(struct match *m, uint64_t id, bool *gone)
{
	enum sn_err err;

	sn_txn_reset(m->net);
	if ((err = sn_txn_renew(m->net)) == SN_OK)
		*gone = is_closed(m->net, id);
	return (err);
}

/* The first account behind ${id} that should have a password. */
static enum sn_err next(struct sn_txn *net, uint64_t *id)
{
	struct db_key from = db_key1(*id + 1);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(net, DB_ACCOUNTS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	while (err == SN_OK && (err = db_u64(key, id)) == SN_OK &&
	       is_closed(net, *id))
		err = sn_cursor_next(c, &key, &value);
	sn_cursor_close(c);
	return (err);
}

static enum sn_err compare(struct match *m)
{
	struct account a;
	struct db_key key;
	struct sn_bytes row;
	bool gone = false;
	uint64_t id = 0;
	enum sn_err err;

	while ((err = next(m->net, &id)) == SN_OK) {
		if ((err = account_get(m->net, id, &a)) != SN_OK)
			break;
		key = db_key1(id);
		err = sn_txn_get(
		    m->keeper, KEEPER_DB_ACCOUNTS, db_bytes(&key), &row);
		if (err == SN_OK)
			continue;
		if (err != SN_ENOTFOUND ||
		    (err = look_again(m, id, &gone)) != SN_OK)
			break;
		if (!gone)
			(void)fprintf(m->to,
			    "keeper's accounts: %llu, which is %s, is missing; "
			    "nobody can log in as it until sicherctl account "
			    "passwd %s\n",
			    (unsigned long long)id, a.name, a.name);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err read_both(
    struct match *m, struct sn_store *net, struct sn_store *keeper)
{
	enum sn_err err;

	/* In this order: an account's password is there before it is. */
	if ((err = sn_txn_read(net, &m->net)) == SN_OK &&
	    (err = sn_txn_read(keeper, &m->keeper)) == SN_OK)
		err = compare(m);
	sn_txn_abort(m->net);
	sn_txn_abort(m->keeper);
	return (err);
}

static enum sn_err run(void *arg, struct sn_why *why)
{
	struct match *m = arg;
	struct sn_store *net, *keeper;
	char dir[4096];
	enum sn_err err;

	(void)snprintf(dir, sizeof(dir), "%s/net", m->data);
	if ((err = check_become_owner(dir, why)) != SN_OK ||
	    (err = db_open_to_read(dir, &net, why)) != SN_OK)
		return (err);
	(void)snprintf(dir, sizeof(dir), "%s/keeper", m->data);
	if ((err = keeper_db_open_to_read(dir, &keeper, why)) == SN_OK) {
		if ((err = read_both(m, net, keeper)) != SN_OK)
			(void)sn_why(why, err,
			    "the accounts could not be compared: %s",
			    sn_err_text(err));
		sn_store_close(keeper);
	}
	sn_store_close(net);
	return (err);
}

enum sn_err match_data(
    const char *data, FILE *to, uint64_t *findings, struct sn_why *why)
{
	struct match m = { .data = data };
	char line[512];
	enum sn_err err;

	*findings = 0;
	if ((m.to = fdopen(memfd_create("match", MFD_CLOEXEC), "w+")) == NULL)
		return (sn_why_errno(why, SN_ENOMEM, "no memory"));
	if ((err = apart(run, &m, data, why)) == SN_OK) {
		rewind(m.to);
		while (fgets(line, sizeof(line), m.to) != NULL) {
			(void)fputs(line, to);
			++*findings;
		}
	}
	(void)fclose(m.to);
	return (err);
}
