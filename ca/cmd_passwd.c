#include "ca/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/audit.h"
#include "ca/crl.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/keyring.h"
#include "lib/passphrase.h"

struct one {
	char path[PATH_BYTES];
	struct key *key; /* NULL: it opens with the new one already. */
	struct one *next;
};

struct change {
	struct cmd *cmd;
	struct sn_secret old, new, root_old;
	struct one *keys;
	unsigned count, done;
};

static enum sn_err ask(struct change *c)
{
	struct sn_passphrase fresh = {
		.what = "passphrase of the authority from now on",
		.fd = sn_cli_value(c->cmd->cli, "new-passphrase-fd"),
		.file = sn_cli_value(c->cmd->cli, "new-passphrase-file"),
		.hint = "--new-passphrase-file FILE or --new-passphrase-fd N",
		.is_new = true,
		.least = PASSPHRASE_LEAST,
	};
	struct sn_passphrase root = {
		.what = "passphrase of the root's key",
		.fd = sn_cli_value(c->cmd->cli, "root-passphrase-fd"),
		.file = sn_cli_value(c->cmd->cli, "root-passphrase-file"),
	};
	enum sn_err err;

	err = cmd_passphrase(c->cmd, false, &c->old);
	if (err == SN_OK && (root.fd != NULL || root.file != NULL))
		err = sn_passphrase_read(&root, &c->root_old, &c->cmd->why);
	if (err == SN_OK)
		err = sn_passphrase_read(&fresh, &c->new, &c->cmd->why);
	return (err);
}

/* Opens one key, before any is changed.  After a change that was cut short
 * some open with the new passphrase. */
static enum sn_err take(
    struct change *c, const char *path, const struct sn_secret *old)
{
	struct one *one = calloc(1, sizeof(*one));
	struct key *key = NULL;
	enum sn_err err;

	if (one == NULL)
		return (sn_why(&c->cmd->why, SN_ENOMEM, "out of memory"));
	(void)snprintf(one->path, sizeof(one->path), "%s", path);
	err = key_load(path, old, &one->key, &c->cmd->why);
	if (err == SN_EPASSPHRASE &&
	    key_load(path, &c->new, &key, NULL) == SN_OK) {
		key_free(key);
		err = SN_OK;
	}
	if (err != SN_OK) {
		free(one);
		return (err);
	}
	c->count++;
	one->next = c->keys;
	c->keys = one;
	return (SN_OK);
}

static enum sn_err take_all(struct change *c)
{
	const char *root = sn_cli_value(c->cmd->cli, "root-key");
	const struct sn_secret *root_old =
	    c->root_old.data != NULL ? &c->root_old : &c->old;
	char path[PATH_BYTES];
	struct sn_txn *txn;
	enum sn_err err;
	uint32_t next;

	if ((err = sn_txn_read(c->cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(c->cmd->a->store, err, &c->cmd->why));
	err = issuer_next(txn, &next);
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (inventory_why(c->cmd->a->store, err, &c->cmd->why));
	for (uint32_t id = ISSUER_ROOT; err == SN_OK && id < next; id++)
		if (access(keyring_path(c->cmd->a, id, path), F_OK) == 0)
			err = take(
			    c, path, id == ISSUER_ROOT ? root_old : &c->old);
	if (err == SN_OK && root != NULL)
		err = take(c, root, root_old);
	return (err);
}

/* Each file is replaced whole: it opens with the one or the other. */
static enum sn_err save_all(struct change *c)
{
	enum sn_err err;

	for (struct one *one = c->keys; one != NULL; one = one->next) {
		if (one->key == NULL)
			continue;
		err = key_save(one->key, one->path, &c->new, &c->cmd->why);
		if (err != SN_OK)
			return (err);
		cmd_say(c->cmd, "Changed: %s", one->path);
		c->done++;
	}
	return (SN_OK);
}

static enum sn_err note(struct sn_txn *txn, int64_t now, void *arg)
{
	const struct change *c = arg;

	return (audit_add(txn, now, "key.passwd", "keys=%u", c->done));
}

static void tell(struct change *c)
{
	char path[PATH_BYTES];

	cmd_set(c->cmd, "keys", json_integer(c->count));
	cmd_set(c->cmd, "changed", json_integer(c->done));
	if (c->done == 0)
		cmd_say(
		    c->cmd, "Every key opens with the new passphrase already.");
	if (access(keyring_path(c->cmd->a, ISSUER_ROOT, path), F_OK) != 0 &&
	    sn_cli_value(c->cmd->cli, "root-key") == NULL)
		cmd_say(c->cmd,
		    "The root's key is not here and keeps its passphrase: "
		    "give it with --root-passphrase-file where it signs, or "
		    "run this again with --root-key FILE.");
	cmd_say(c->cmd,
	    "Next: change the file or credential that timers read the "
	    "passphrase from, and make a backup: those made before open with "
	    "the old one.");
}

static enum sn_err change(struct change *c)
{
	enum sn_err err;
	int lock;

	if ((err = ask(c)) != SN_OK ||
	    (err = crl_lock(c->cmd->a, &lock, &c->cmd->why)) != SN_OK)
		return (err);
	if ((err = take_all(c)) == SN_OK && (err = save_all(c)) == SN_OK)
		err = cmd_change(c->cmd, note, c);
	crl_unlock(lock);
	if (err == SN_OK)
		tell(c);
	else if (c->done > 0)
		cmd_say(c->cmd, "Not all are changed. Next: run the same "
				"command again.");
	return (err);
}

static enum sn_err body(struct cmd *cmd)
{
	struct change c = { .cmd = cmd };
	enum sn_err err;

	if ((err = cmd_open(cmd, false)) != SN_OK)
		return (err);
	err = change(&c);
	for (struct one *one = c.keys, *next; one != NULL; one = next) {
		next = one->next;
		key_free(one->key);
		free(one);
	}
	sn_secret_free(&c.old);
	sn_secret_free(&c.new);
	sn_secret_free(&c.root_old);
	return (err);
}

int cmd_key_passwd(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
