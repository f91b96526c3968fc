#include "ca/cmd.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ca/archive.h"
#include "ca/audit.h"
#include "ca/carry.h"
#include "ca/draft.h"
#include "ca/due.h"
#include "ca/elect.h"
#include "ca/examine.h"
#include "ca/head.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/keyring.h"
#include "ca/outbox.h"
#include "ca/reinstate.h"
#include "ca/settle.h"
#include "ca/tree.h"
#include "lib/clock.h"
#include "lib/file.h"

#define FILE_MAX ((size_t)64 << 20)
/* More lists than that nobody signs in a second. */
#define NUMBERS_A_SECOND 1000

/* What is there already, in the authority's folder. */
struct there {
	bool something;        /* Not just an empty folder. */
	struct authority *old; /* Its books, when they are whole. */
	bool behind;           /* They are, and lack what was written last. */
	int lock;              /* Held when they are not; else -1. */
};

struct work {
	struct cmd *cmd;
	const char *from;
	struct draft draft;
	struct there there;
	struct carried carried;
	int64_t time;   /* Of the backup. */
	bool has_lists; /* It is known what was revoked since. */
	unsigned stale;
	json_t *unfinished; /* What was under way when the backup was made. */
	uint32_t active;    /* Id of the issuing CA that signs from here on. */
	uint64_t certificates;
};

static void ignore(void *arg, const char *sentence)
{
	(void)arg;
	(void)sentence;
}

static void tell_damage(void *arg, const char *sentence)
{
	cmd_say(arg, "damage: %s", sentence);
}

static enum sn_err busy(struct work *w)
{
	return (sn_why(&w->cmd->why, SN_EBUSY,
	    "another command is at work on %s; run this when it is done",
	    w->cmd->dir));
}

/* Books that are whole: settled, and nobody else at work on them. */
static enum sn_err open_whole(struct work *w)
{
	bool others;
	enum sn_err err;

	err = authority_open(w->cmd->dir, false, &w->there.old, &w->cmd->why);
	if (err == SN_OK)
		err = settle(w->there.old, ignore, NULL, &others, &w->cmd->why);
	if (err == SN_OK && !authority_alone(w->there.old))
		err = busy(w);
	if (err == SN_OK &&
	    head_check(w->there.old, &w->cmd->why) == SN_ECORRUPT) {
		w->there.behind = true;
		cmd_say(w->cmd, "damage: %s", w->cmd->why.text);
	}
	return (err);
}

static enum sn_err lock_damaged(struct work *w)
{
	char path[PATH_BYTES];
	enum sn_err err;

	if ((err = authority_folders(w->cmd->dir, &w->cmd->why)) != SN_OK)
		return (err);
	(void)snprintf(
	    path, sizeof(path), "%s/inventory/running.lock", w->cmd->dir);
	w->there.lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (w->there.lock < 0)
		return (
		    sn_why_errno(&w->cmd->why, SN_EIO, "cannot open %s", path));
	if (flock(w->there.lock, LOCK_EX | LOCK_NB) != 0)
		return (busy(w));
	return (SN_OK);
}

static enum sn_err look_there(struct work *w)
{
	char path[PATH_BYTES];
	bool whole = false;
	enum sn_err err = SN_OK;

	if (tree_free(w->cmd->dir, NULL) == SN_OK)
		return (SN_OK);
	w->there.something = true;
	(void)snprintf(path, sizeof(path), "%s/private", w->cmd->dir);
	if (access(path, F_OK) != 0)
		return (sn_why(&w->cmd->why, SN_EEXISTS,
		    "%s is not empty, and no authority; choose another folder "
		    "with --dir",
		    w->cmd->dir));
	(void)snprintf(
	    path, sizeof(path), "%s/inventory/data.mdb", w->cmd->dir);
	if (access(path, F_OK) == 0) {
		(void)snprintf(path, sizeof(path), "%s/inventory", w->cmd->dir);
		err = examine(path, tell_damage, w->cmd, &whole, &w->cmd->why);
	}
	if (err != SN_OK)
		return (err);
	return (whole ? open_whole(w) : lock_damaged(w));
}

/* The backup in a folder beside, opened as cmd->a. */
static enum sn_err unpack(struct work *w)
{
	char path[PATH_MAX + 16];
	bool whole;
	enum sn_err err;

	if ((err = sn_file_mkdir(w->draft.path, 0755, &w->cmd->why)) != SN_OK ||
	    (err = authority_folders(w->draft.path, &w->cmd->why)) != SN_OK ||
	    (err = archive_extract(
		 w->from, w->draft.path, &w->time, &w->cmd->why)) != SN_OK)
		return (err);
	(void)snprintf(path, sizeof(path), "%s/inventory", w->draft.path);
	err = examine(path, tell_damage, w->cmd, &whole, &w->cmd->why);
	if (err == SN_OK && !whole)
		err = sn_why(&w->cmd->why, SN_ECORRUPT,
		    "the books in %s are damaged; take another backup",
		    w->from);
	if (err != SN_OK)
		return (err);
	return (authority_open(w->draft.path, false, &w->cmd->a, &w->cmd->why));
}

static enum sn_err same_root(
    struct work *w, struct sn_txn *from, struct sn_txn *to)
{
	X509 *theirs, *ours;
	enum sn_err err;

	err = issuer_certificate(from, ISSUER_ROOT, &theirs, &w->cmd->why);
	if (err != SN_OK)
		return (err);
	err = issuer_certificate(to, ISSUER_ROOT, &ours, &w->cmd->why);
	if (err == SN_OK && X509_cmp(theirs, ours) != 0)
		err = sn_why(&w->cmd->why, SN_EDENIED,
		    "%s is a backup of another authority than the one in %s",
		    w->from, w->cmd->dir);
	if (err == SN_OK)
		X509_free(ours);
	X509_free(theirs);
	return (err);
}

static enum sn_err carry_old(struct work *w, struct sn_txn *to)
{
	struct sn_store *store = w->there.old->store;
	struct sn_txn *from;
	enum sn_err err;

	w->has_lists = true;
	if ((err = sn_txn_read(store, &from)) != SN_OK)
		return (inventory_why(store, err, &w->cmd->why));
	if ((err = same_root(w, from, to)) == SN_OK) {
		err = carry_books(from, to, &w->carried, &w->cmd->why);
		if (err != SN_EDENIED)
			err = inventory_why(store, err, &w->cmd->why);
	}
	sn_txn_abort(from);
	return (err);
}

typedef enum sn_err carry_fn(struct sn_txn *to, struct sn_bytes pem,
    struct carried *c, struct sn_why *why);

static enum sn_err carry_one_leaf(struct sn_txn *to, struct sn_bytes pem,
    struct carried *c, struct sn_why *why)
{
	(void)why;
	return (carry_leaf(to, pem, c));
}

static enum sn_err carry_file(struct work *w, struct sn_txn *to,
    const char *path, carry_fn *carry, enum sn_err *read)
{
	struct sn_why why = { "" };
	enum sn_err err;
	char *text;
	size_t n;

	*read = sn_file_read(path, FILE_MAX, &text, &n, &w->cmd->why);
	if (*read != SN_OK)
		return (*read == SN_ENOTFOUND ? SN_OK : *read);
	err = carry(to, (struct sn_bytes){ text, n }, &w->carried, &why);
	free(text);
	if (err == SN_OK)
		return (SN_OK);
	if (why.text[0] == '\0')
		return (inventory_why(w->cmd->a->store, err, &w->cmd->why));
	return (sn_why(&w->cmd->why, err, "%s: %s", path, why.text));
}

/* The certificates that lie in the folder, where the books are lost. */
static enum sn_err carry_leaves(struct work *w, struct sn_txn *to)
{
	static const char *const patterns[] = { "people/*/*/cert.pem",
		"servers/*/chain.pem" };
	enum sn_err err = SN_OK, read;
	char path[PATH_BYTES];
	glob_t found;

	for (size_t k = 0; k < sizeof(patterns) / sizeof(patterns[0]); k++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s", w->cmd->dir, patterns[k]);
		if (glob(path, GLOB_NOSORT, NULL, &found) != 0)
			continue;
		for (size_t i = 0; err == SN_OK && i < found.gl_pathc; i++)
			err = carry_file(
			    w, to, found.gl_pathv[i], carry_one_leaf, &read);
		globfree(&found);
	}
	return (err);
}

static enum sn_err carry_published(struct work *w, struct sn_txn *to)
{
	char path[PATH_BYTES];
	enum sn_err err, read;

	(void)snprintf(path, sizeof(path), "%s/ca.pem", w->cmd->dir);
	if ((err = carry_file(w, to, path, carry_trust, &read)) != SN_OK)
		return (err);
	if ((w->there.old == NULL || w->there.behind) &&
	    (err = carry_leaves(w, to)) != SN_OK)
		return (err);
	(void)snprintf(path, sizeof(path), "%s/crl.pem", w->cmd->dir);
	if ((err = carry_file(w, to, path, carry_lists, &read)) != SN_OK)
		return (err);
	w->has_lists = w->has_lists || read == SN_OK;
	return (SN_OK);
}

static enum sn_err carry_named(struct work *w, struct sn_txn *to)
{
	const char *path = sn_cli_value(w->cmd->cli, "ca");
	enum sn_err err, read;

	if (path != NULL) {
		err = carry_file(w, to, path, carry_trust, &read);
		if (err != SN_OK || read != SN_OK)
			return (err != SN_OK ? err : read);
	}
	for (size_t i = 0; (path = sn_cli_nth(w->cmd->cli, "crl", i)) != NULL;
	     i++) {
		err = carry_file(w, to, path, carry_lists, &read);
		if (err != SN_OK || read != SN_OK)
			return (err != SN_OK ? err : read);
		w->has_lists = true;
	}
	return (SN_OK);
}

static enum sn_err without_lists(struct work *w, struct sn_txn *to)
{
	int64_t age = sn_clock_wall_s() - w->time;

	if (!sn_cli_has(w->cmd->cli, "no-crl"))
		return (sn_why(&w->cmd->why, SN_EDENIED,
		    "nothing here tells what was revoked since the backup; "
		    "fetch the crl.pem that a server uses and name it with "
		    "--crl FILE, or say --no-crl if there is none left"));
	return (inventory_why(w->cmd->a->store,
	    carry_skip(
		to, (uint64_t)(age > 0 ? age + 1 : 1) * NUMBERS_A_SECOND),
	    &w->cmd->why));
}

/* Of the folder, or of the backup, which is added to it. */
static bool has_key(const void *arg, uint32_t id)
{
	const struct work *w = arg;
	char name[32], path[PATH_BYTES];

	if (access(keyring_path(w->cmd->a, id, path), F_OK) == 0)
		return (true);
	(void)snprintf(path, sizeof(path), "%s/private/%s.pem", w->cmd->dir,
	    issuer_key(id, name));
	return (access(path, F_OK) == 0);
}

static enum sn_err note(struct work *w, struct sn_txn *to)
{
	struct carried *c = &w->carried;
	char when[SN_CLOCK_TEXT], name[32], from[700];
	struct sn_why ignored;
	int64_t now;
	enum sn_err err;

	err = authority_now(to, &now, &ignored);
	if (err != SN_OK && err != SN_EDENIED)
		return (err);
	if ((err = due_release_all(to, now, &c->released)) != SN_OK ||
	    (err = elect(to, has_key, w, now, &w->active)) != SN_OK ||
	    (err = carry_stale(to, &w->stale)) != SN_OK ||
	    (err = sn_txn_count(to, TABLE_CERTIFICATE, &w->certificates)) !=
		SN_OK ||
	    (err = authority_touch(to, now)) != SN_OK)
		return (err);
	return (audit_add(to, now, "restore",
	    "from=%s of=%s certificates=%u revocations=%u issuers=%u "
	    "entries=%u active=%s",
	    audit_value(w->from, from, sizeof(from)),
	    sn_clock_rfc3339(w->time, when), c->certificates, c->revocations,
	    c->issuers, c->entries, issuer_key(w->active, name)));
}

static void keep_unfinished(
    void *arg, const struct record *rec, bool is_revoked)
{
	struct work *w = arg;
	char serial[SERIAL_TEXT];

	(void)json_array_append_new(
	    w->unfinished, json_pack("{s:s,s:s,s:s,s:s}", "serial",
			       sn_bytes_hex(rec->serial, SERIAL_BYTES, serial),
			       "name", rec->name, "device", rec->label, "done",
			       is_revoked ? "revoked" : "kept"));
}

static enum sn_err carry_unfinished(struct work *w, struct sn_txn *to)
{
	struct sn_why ignored;
	int64_t now;
	enum sn_err err = authority_now(to, &now, &ignored);

	if (err == SN_OK || err == SN_EDENIED)
		err = carry_intents(to, now, keep_unfinished, w);
	return (inventory_why(w->cmd->a->store, err, &w->cmd->why));
}

static enum sn_err carry(struct work *w)
{
	struct sn_store *store = w->cmd->a->store;
	struct sn_txn *to;
	enum sn_err err;

	if ((err = sn_txn_write(store, &to)) != SN_OK)
		return (inventory_why(store, err, &w->cmd->why));
	if ((w->there.old != NULL && (err = carry_old(w, to)) != SN_OK) ||
	    (w->there.something && (err = carry_published(w, to)) != SN_OK) ||
	    (err = carry_named(w, to)) != SN_OK ||
	    (!w->has_lists && (err = without_lists(w, to)) != SN_OK) ||
	    (err = carry_unfinished(w, to)) != SN_OK ||
	    (err = inventory_why(store, note(w, to), &w->cmd->why)) != SN_OK) {
		sn_txn_abort(to);
		return (err);
	}
	return (inventory_why(store, sn_txn_commit(to), &w->cmd->why));
}

static enum sn_err install(struct work *w)
{
	enum sn_err err;

	if (w->there.something) {
		err = reinstate(w->cmd->dir, w->cmd->a, &w->cmd->why);
		if (err != SN_OK)
			return (err);
		return (outbox_publish(w->cmd->a, &w->cmd->why));
	}
	/* The head is noted with it, in the folder that is to appear. */
	if ((err = outbox_publish(w->cmd->a, &w->cmd->why)) != SN_OK)
		return (err);
	return (draft_appear(&w->draft, &w->cmd->why));
}

static const char *text_of(const json_t *o, const char *name)
{
	return (json_string_value(json_object_get(o, name)));
}

/* The original went on after the backup: what it signed may be out there. */
static void tell_unfinished(struct work *w)
{
	const json_t *o;
	size_t i;

	json_array_foreach(w->unfinished, i, o)
	{
		bool revoked = strcmp(text_of(o, "done"), "revoked") == 0;
		const char *device = text_of(o, "device");

		cmd_say(w->cmd,
		    "Under way when the backup was made: %s%s%s, certificate "
		    "%s. %s",
		    text_of(o, "name"), device[0] != '\0' ? ", device " : "",
		    device, text_of(o, "serial"),
		    revoked ? "It may have left since, and is not here: its "
			      "serial is revoked, issue another."
			    : "It stays valid; if its files never arrived, "
			      "revoke it by its serial.");
	}
	cmd_set(w->cmd, "unfinished", json_incref(w->unfinished));
}

static void tell(struct work *w)
{
	const struct carried *c = &w->carried;
	struct cmd *cmd = w->cmd;
	char when[SN_CLOCK_TEXT], name[32];

	(void)sn_clock_rfc3339(w->time, when);
	(void)issuer_key(w->active, name);
	cmd_set(cmd, "backup_of", json_string(when));
	cmd_set(cmd, "active", json_string(name));
	cmd_set(cmd, "certificates", json_integer((json_int_t)w->certificates));
	cmd_set(cmd, "carried",
	    json_pack("{s:I,s:I,s:I,s:I,s:I}", "certificates",
		(json_int_t)c->certificates, "revocations",
		(json_int_t)c->revocations, "issuers", (json_int_t)c->issuers,
		"entries", (json_int_t)c->entries, "crl", (json_int_t)c->crl));
	cmd_set(cmd, "stale", json_integer(w->stale));
	cmd_say(cmd, "Restored: %s, from %s of %s, %llu certificates.",
	    cmd->dir, w->from, when, (unsigned long long)w->certificates);
	cmd_say(cmd,
	    "Carried forward: %u certificates, %u revocations, %u issuing "
	    "CAs, %u entries of the audit trail.",
	    c->certificates, c->revocations, c->issuers, c->entries);
	cmd_say(cmd, "%s signs from here on.", name);
	if (!has_key(w, w->active))
		cmd_say(cmd,
		    "Its key is not here: sicher-ca issuer rotate%s puts "
		    "another in its place.",
		    cmd->where);
	if (c->crl > 0)
		cmd_say(cmd, "The lists' numbers go on behind %llu.",
		    (unsigned long long)c->crl);
	if (!w->has_lists)
		cmd_say(cmd,
		    "What was revoked since the backup is not known, and is "
		    "valid again: look through sicher-ca list%s. The lists' "
		    "numbers begin far above all that can have been used.",
		    cmd->where);
	tell_unfinished(w);
	if (w->there.something && w->there.old == NULL)
		cmd_say(cmd, "The damaged books are kept, as "
			     "inventory/data.mdb.before-TIME.");
	if (w->stale > 0 || !w->has_lists || json_array_size(w->unfinished) > 0)
		cmd->status = STATUS_ATTENTION;
	cmd_say(cmd, "Next: sicher-ca check%s", cmd->where);
	if (w->stale > 0)
		cmd_say(cmd,
		    "And, for a list lacks a revocation: sicher-ca crl "
		    "publish%s",
		    cmd->where);
}

static enum sn_err restore(struct work *w)
{
	enum sn_err err;

	if ((err = look_there(w)) != SN_OK || (err = unpack(w)) != SN_OK ||
	    (err = carry(w)) != SN_OK || (err = install(w)) != SN_OK)
		return (err);
	tell(w);
	return (SN_OK);
}

static enum sn_err body(struct cmd *cmd)
{
	struct work w = {
		.cmd = cmd,
		.from = sn_cli_arg(cmd->cli, 0),
		.there.lock = -1,
		.unfinished = json_array(),
	};
	char dir[PATH_MAX];
	size_t n = strlen(cmd->dir);
	enum sn_err err;

	/* "authority/" has to be renamed to as "authority". */
	(void)snprintf(dir, sizeof(dir), "%s", cmd->dir);
	while (n > 1 && n < sizeof(dir) && dir[n - 1] == '/')
		dir[--n] = '\0';
	cmd->dir = dir;
	if (sn_cli_has(cmd->cli, "no-crl") && sn_cli_has(cmd->cli, "crl"))
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--crl and --no-crl contradict each other"));
	if ((err = draft_begin(dir, &w.draft, &cmd->why)) != SN_OK)
		return (err);
	if ((err = restore(&w)) == SN_OK)
		head_note(cmd->a);
	json_decref(w.unfinished);
	authority_close(cmd->a);
	cmd->a = NULL;
	authority_close(w.there.old);
	if (w.there.lock >= 0)
		(void)close(w.there.lock);
	draft_end(&w.draft);
	return (err);
}

int cmd_restore(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
