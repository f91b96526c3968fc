#include "ca/cmd.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "ca/archive.h"
#include "ca/audit.h"
#include "ca/crl.h"
#include "ca/examine.h"
#include "ca/inventory.h"
#include "lib/file.h"

static void tell_damage(void *arg, const char *sentence)
{
	cmd_say(arg, "damage: %s", sentence);
}

/* A copy of damaged books is no backup. */
static enum sn_err check_books(struct cmd *cmd)
{
	char path[PATH_BYTES];
	bool whole;
	enum sn_err err;

	err = examine(authority_path(cmd->a, path, "inventory"), tell_damage,
	    cmd, &whole, &cmd->why);
	if (err != SN_OK || whole)
		return (err);
	return (sn_why(&cmd->why, SN_ECORRUPT,
	    "the inventory of %s is damaged, and no backup is made of it; keep "
	    "the older ones, and see sicher-ca check%s",
	    cmd->dir, cmd->where));
}

struct made {
	const char *to;
	int64_t at;
};

static enum sn_err note(struct sn_txn *txn, int64_t now, void *arg)
{
	struct made *made = arg;
	char value[900];

	made->at = now;
	return (audit_add(txn, now, "backup", "to=%s",
	    audit_value(made->to, value, sizeof(value))));
}

static bool is_key(const char *name)
{
	size_t n = strlen(name);

	return (name[0] != '.' && n > 4 && strcmp(name + n - 4, ".pem") == 0);
}

static enum sn_err add_keys(
    struct cmd *cmd, struct archive *ar, unsigned *count)
{
	char path[PATH_BYTES], name[NAME_MAX + 16];
	struct dirent *entry;
	enum sn_err err = SN_OK;
	DIR *d = opendir(authority_path(cmd->a, path, "private"));

	if (d == NULL)
		return (
		    sn_why_errno(&cmd->why, SN_EIO, "cannot read %s", path));
	while (err == SN_OK && (entry = readdir(d)) != NULL) {
		if (!is_key(entry->d_name))
			continue;
		(void)snprintf(name, sizeof(name), "private/%s", entry->d_name);
		err = archive_add(ar, name,
		    authority_path(cmd->a, path, "%s", name), &cmd->why);
		++*count;
	}
	(void)closedir(d);
	return (err);
}

static enum sn_err add_rules(struct cmd *cmd, struct archive *ar)
{
	char path[PATH_BYTES];
	struct sn_why why;
	enum sn_err err;

	err = archive_add(ar, "sicher-ca.conf",
	    authority_path(cmd->a, path, "sicher-ca.conf"), &why);
	if (err == SN_OK || err == SN_ENOTFOUND)
		return (SN_OK);
	return (sn_why(&cmd->why, err, "%s", why.text));
}

/* The keys come behind the books: each CA in these has its key by then. */
static enum sn_err fill(struct cmd *cmd, struct archive *ar, unsigned *keys)
{
	enum sn_err err;
	int lock;

	err = archive_add_store(
	    ar, "inventory/data.mdb", cmd->a->store, &cmd->why);
	if (err != SN_OK || (err = crl_lock(cmd->a, &lock, &cmd->why)) != SN_OK)
		return (err);
	if ((err = add_keys(cmd, ar, keys)) == SN_OK)
		err = add_rules(cmd, ar);
	crl_unlock(lock);
	return (err);
}

static enum sn_err body(struct cmd *cmd)
{
	const char *path = sn_cli_arg(cmd->cli, 0);
	struct archive *ar;
	unsigned keys = 0;
	struct made made = { .to = path };
	enum sn_err err;

	if ((err = cmd_open(cmd, false)) != SN_OK ||
	    (err = check_books(cmd)) != SN_OK ||
	    (err = cmd_change(cmd, note, &made)) != SN_OK ||
	    (err = archive_create(path, made.at, &ar, &cmd->why)) != SN_OK)
		return (err);
	if ((err = fill(cmd, ar, &keys)) != SN_OK) {
		archive_abandon(ar);
		return (err);
	}
	if ((err = archive_finish(ar, &cmd->why)) != SN_OK)
		return (err);
	cmd_set(cmd, "file", json_string(path));
	cmd_set(cmd, "keys", json_integer(keys));
	cmd_say(cmd,
	    "Wrote %s: the books, %u key%s (encrypted, as they are), and "
	    "sicher-ca.conf.",
	    path, keys, keys == 1 ? "" : "s");
	cmd_say(cmd,
	    "Not in it: people/ and servers/, whose private keys belong to "
	    "others. Next: bring it to another place; sicher-ca restore %s "
	    "takes it back.",
	    path);
	return (SN_OK);
}

int cmd_backup(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
