#include "ca/cmd.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>

#include "ca/audit.h"
#include "ca/crl.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/keyring.h"
#include "ca/ssl.h"
#include "lib/clock.h"
#include "lib/file.h"

#define KEY_FILE_MAX 16384

/* The root as it stands in the books. */
struct root {
	struct issuer row;
	struct record rec; /* Its DER is gone once read. */
	X509 *certificate;
	char moved[PATH_BYTES];
};

static enum sn_err read_root(struct cmd *cmd, struct root *out)
{
	struct sn_txn *txn;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if ((err = issuer_get(txn, ISSUER_ROOT, &out->row)) != SN_OK ||
	    (err = issuer_record(txn, &out->row, &out->rec)) != SN_OK ||
	    (err = keyring_moved(txn, out->moved)) != SN_OK)
		err = inventory_why(cmd->a->store, err, &cmd->why);
	else
		err =
		    ssl_certificate(out->rec.der, &out->certificate, &cmd->why);
	out->rec.der = (struct sn_bytes){ "", 0 };
	sn_txn_abort(txn);
	return (err);
}

static bool key_is_here(const struct cmd *cmd)
{
	char path[PATH_BYTES];

	return (access(keyring_path(cmd->a, ISSUER_ROOT, path), F_OK) == 0);
}

static void tell(struct cmd *cmd, const struct root *root)
{
	char serial[SERIAL_TEXT], print[2 * FINGERPRINT_BYTES + 1],
	    from[SN_CLOCK_TEXT], to[SN_CLOCK_TEXT], next[SN_CLOCK_TEXT];
	bool here = key_is_here(cmd);

	(void)sn_bytes_hex(root->rec.serial, SERIAL_BYTES, serial);
	(void)sn_bytes_hex(root->rec.fingerprint, FINGERPRINT_BYTES, print);
	(void)sn_clock_rfc3339(root->rec.not_before, from);
	(void)sn_clock_rfc3339(root->rec.not_after, to);
	(void)sn_clock_rfc3339(root->row.crl_next, next);
	cmd_set(cmd, "name", json_string(root->rec.name));
	cmd_set(cmd, "serial", json_string(serial));
	cmd_set(cmd, "fingerprint", json_string(print));
	cmd_set(cmd, "not_before", json_string(from));
	cmd_set(cmd, "not_after", json_string(to));
	cmd_set(cmd, "key_here", json_boolean(here));
	cmd_set(cmd, "key_moved_to", json_string(here ? "" : root->moved));
	cmd_set(cmd, "crl", json_integer((json_int_t)root->row.crl_number));
	cmd_set(cmd, "crl_next_update", json_string(next));
	cmd_say(cmd, "name         %s", root->rec.name);
	cmd_say(cmd, "serial       %s", serial);
	cmd_say(cmd, "fingerprint  %s (SHA-256)", print);
	cmd_say(cmd, "valid        %s to %s", from, to);
	cmd_say(cmd, "key          %s%s",
	    here ? "here, in private/root.pem" : "offline, ",
	    here                     ? ""
	    : root->moved[0] != '\0' ? root->moved
				     : "moved by hand");
	cmd_say(cmd, "list         CRL %llu, good until %s",
	    (unsigned long long)root->row.crl_number, next);
}

static enum sn_err show(struct cmd *cmd)
{
	struct root root;
	enum sn_err err;

	if ((err = cmd_open(cmd, true)) != SN_OK ||
	    (err = read_root(cmd, &root)) != SN_OK)
		return (err);
	tell(cmd, &root);
	X509_free(root.certificate);
	return (SN_OK);
}

static enum sn_err write_export(
    struct cmd *cmd, const struct root *root, const char *path)
{
	BIO *bio = BIO_new(BIO_s_mem());
	enum sn_err err;
	char *text;
	long n;

	if (bio == NULL ||
	    ssl_pem_certificate(bio, root->certificate) != SN_OK) {
		BIO_free(bio);
		return (sn_why(&cmd->why, SN_ENOMEM, "out of memory"));
	}
	n = BIO_get_mem_data(bio, &text);
	cmd_set(cmd, "pem", json_stringn(text, (size_t)n));
	if (strcmp(path, "-") == 0) {
		cmd_say(cmd, "%.*s", (int)n - 1, text);
		err = SN_OK;
	} else {
		err = sn_file_create(path, 0644, text, (size_t)n, &cmd->why);
	}
	BIO_free(bio);
	return (err);
}

static enum sn_err export(struct cmd *cmd) {
	const char *path = sn_cli_arg(cmd->cli, 0);
	char print[2 * FINGERPRINT_BYTES + 1];
	struct root root;
	enum sn_err err;

	if ((err = cmd_open(cmd, true)) != SN_OK ||
	    (err = read_root(cmd, &root)) != SN_OK) return (err);
	err = write_export(cmd, &root, path);
	X509_free(root.certificate);
	if (err != SN_OK) return (err);
	(void)sn_bytes_hex(root.rec.fingerprint, FINGERPRINT_BYTES, print);
	cmd_set(cmd, "file", json_string(path));
	cmd_set(cmd, "fingerprint", json_string(print));
	if (strcmp(path, "-") == 0) return (SN_OK);
	cmd_say(cmd, "Wrote %s, the root's certificate (no key).", path);
	cmd_say(cmd,
	    "Next: whoever gets it compares this fingerprint on another way: "
	    "%s",
	    print);
	return (SN_OK);
}

static bool lies_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return (strncmp(path, folder, n) == 0 &&
		(path[n] == '/' || path[n] == '\0'));
}

/* The file on the medium, as an absolute path: ${to} itself, or root.pem
 * where ${to} is a folder. */
static enum sn_err destination(
    struct cmd *cmd, const char *to, char out[PATH_BYTES])
{
	char home[PATH_MAX], folder[PATH_MAX], a[PATH_MAX], b[PATH_MAX];
	struct stat st;
	int n;

	if (stat(to, &st) == 0 && S_ISDIR(st.st_mode))
		n = snprintf(a, sizeof(a), "%s/root.pem", to);
	else
		n = snprintf(a, sizeof(a), "%s", to);
	if (n >= (int)sizeof(a))
		return (sn_why(&cmd->why, SN_EINVAL, "path too long: %s", to));
	memcpy(b, a, sizeof(b));
	if (realpath(dirname(a), folder) == NULL)
		return (sn_why_errno(
		    &cmd->why, SN_ENOTFOUND, "there is no folder for %s", to));
	if (realpath(cmd->a->dir, home) == NULL)
		return (sn_why_errno(
		    &cmd->why, SN_EIO, "cannot find %s", cmd->a->dir));
	if (lies_in(folder, home))
		return (sn_why(&cmd->why, SN_EDENIED,
		    "%s lies in the authority's own folder; name a place on "
		    "another medium",
		    to));
	if (snprintf(out, PATH_BYTES, "%s/%s", folder, basename(b)) >=
	    PATH_BYTES)
		return (sn_why(&cmd->why, SN_EINVAL, "path too long: %s", to));
	return (SN_OK);
}

/* The very bytes of the file, which is encrypted. */
static enum sn_err copy_key(struct cmd *cmd, const char *from, const char *to)
{
	struct sn_secret text;
	enum sn_err err;

	err = sn_file_read_secret(from, KEY_FILE_MAX, &text, &cmd->why);
	if (err != SN_OK)
		return (err);
	err = sn_file_create(to, 0600, text.data, text.len, &cmd->why);
	sn_secret_free(&text);
	return (err);
}

static enum sn_err note(struct sn_txn *txn, int64_t now, void *arg)
{
	const char *const *to = arg;
	char value[900];
	enum sn_err err = keyring_note_moved(txn, *to);

	return (err != SN_OK ? err
			     : audit_add(txn, now, "root.offline", "to=%s",
				   audit_value(*to, value, sizeof(value))));
}

static enum sn_err remove_key(struct cmd *cmd)
{
	char path[PATH_BYTES];

	if (unlink(keyring_path(cmd->a, ISSUER_ROOT, path)) != 0)
		return (
		    sn_why_errno(&cmd->why, SN_EIO, "cannot remove %s", path));
	return (sn_file_sync_folder(
	    authority_path(cmd->a, path, "private"), &cmd->why));
}

/* A link to the key itself would be "read back" well, and lead nowhere once
 * the key is removed. */
static enum sn_err check_apart(
    struct cmd *cmd, const char *from, const char *to)
{
	struct stat a, b;

	if (stat(from, &a) != 0 || stat(to, &b) != 0 || a.st_dev != b.st_dev ||
	    a.st_ino != b.st_ino)
		return (SN_OK);
	return (sn_why(&cmd->why, SN_EDENIED,
	    "%s is no copy but the very file %s; name a place on another "
	    "medium",
	    to, from));
}

static enum sn_err sync_one(struct cmd *cmd, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0) {
		if (fd >= 0)
			(void)close(fd);
		return (
		    sn_why_errno(&cmd->why, SN_EIO, "cannot sync %s", path));
	}
	(void)close(fd);
	return (SN_OK);
}

/* A copy that was there already was made by somebody who may not have waited
 * for the medium. */
static enum sn_err sync_copy(struct cmd *cmd, const char *to)
{
	char folder[PATH_BYTES];
	enum sn_err err;

	(void)snprintf(folder, sizeof(folder), "%s", to);
	if ((err = sync_one(cmd, to)) != SN_OK)
		return (err);
	return (sn_file_sync_folder(dirname(folder), &cmd->why));
}

/*
 * Copied, read back and opened, noted, and only then removed: wherever it is
 * cut short, the key is whole in one place, and the same command goes on.
 */
static enum sn_err move_key(
    struct cmd *cmd, const struct sn_secret *passphrase, const char *to)
{
	char from[PATH_BYTES];
	struct key *key = NULL;
	struct root root;
	enum sn_err err;

	(void)keyring_path(cmd->a, ISSUER_ROOT, from);
	if ((err = read_root(cmd, &root)) != SN_OK)
		return (err);
	/* It has to open here before anything is made there. */
	if ((err = key_load(from, passphrase, &key, &cmd->why)) != SN_OK)
		goto out;
	key_free(key);
	key = NULL;
	err = copy_key(cmd, from, to);
	if ((err != SN_OK && err != SN_EEXISTS) ||
	    (err = check_apart(cmd, from, to)) != SN_OK ||
	    (err = sync_copy(cmd, to)) != SN_OK ||
	    (err = key_load(to, passphrase, &key, &cmd->why)) != SN_OK)
		goto out;
	if (!key_fits(key, root.certificate))
		err = sn_why(&cmd->why, SN_EEXISTS,
		    "%s is there already, and is not this root's key", to);
	else if ((err = cmd_change(cmd, note, &to)) == SN_OK)
		err = remove_key(cmd);
out:
	key_free(key);
	X509_free(root.certificate);
	return (err);
}

static enum sn_err offline_locked(
    struct cmd *cmd, const struct sn_secret *passphrase, const char *to)
{
	enum sn_err err;
	int lock;

	if ((err = crl_lock(cmd->a, &lock, &cmd->why)) != SN_OK)
		return (err);
	err = move_key(cmd, passphrase, to);
	crl_unlock(lock);
	return (err);
}

static enum sn_err already_offline(struct cmd *cmd)
{
	struct root root;
	enum sn_err err;

	if ((err = read_root(cmd, &root)) != SN_OK)
		return (err);
	X509_free(root.certificate);
	return (sn_why(&cmd->why, SN_ENOTFOUND,
	    "the root's key is not in %s/private%s%.200s", cmd->dir,
	    root.moved[0] != '\0' ? "; it was moved to " : "", root.moved));
}

static enum sn_err offline(struct cmd *cmd)
{
	struct sn_secret passphrase;
	char to[PATH_BYTES];
	enum sn_err err;

	if ((err = cmd_open(cmd, false)) != SN_OK ||
	    (err = destination(cmd, sn_cli_arg(cmd->cli, 0), to)) != SN_OK)
		return (err);
	if (!key_is_here(cmd))
		return (already_offline(cmd));
	if ((err = cmd_passphrase(cmd, false, &passphrase)) != SN_OK)
		return (err);
	err = offline_locked(cmd, &passphrase, to);
	sn_secret_free(&passphrase);
	if (err != SN_OK)
		return (err);
	cmd_set(cmd, "file", json_string(to));
	cmd_say(cmd,
	    "The root's key is in %s, encrypted as before, and no more in "
	    "%s/private.",
	    to, cmd->dir);
	cmd_say(cmd,
	    "Next: take the medium out, and make a second copy of it. It is "
	    "needed, as --root-key FILE, by issuer create, by revoke of an "
	    "issuing CA, and once a year by crl publish (sicher-ca expiry%s "
	    "says when). To undo: copy it back to %s/private/root.pem, mode "
	    "0600.",
	    cmd->where, cmd->dir);
	return (SN_OK);
}

int cmd_root_show(struct sn_cli *cli)
{
	return (cmd_run(cli, show));
}

int cmd_root_export(struct sn_cli *cli)
{
	return (cmd_run(cli, export));
}

int cmd_root_offline(struct sn_cli *cli)
{
	return (cmd_run(cli, offline));
}
