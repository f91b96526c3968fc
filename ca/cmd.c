#include "ca/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/crl.h"
#include "ca/head.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/keyring.h"
#include "ca/settle.h"
#include "lib/clock.h"
#include "lib/passphrase.h"

#define DAYS_MAX 36500L

static void print_result(const struct cmd *cmd)
{
	char *text = json_dumps(cmd->result, JSON_COMPACT);

	if (text == NULL)
		return;
	/* The object may have been begun by a list that was streamed. */
	printf("%s\n", cmd->streamed ? text + 1 : text);
	free(text);
}

static int finish(struct cmd *cmd, enum sn_err err)
{
	enum status status = err == SN_OK ? cmd->status : status_of(err);

	if (err != SN_OK)
		fprintf(stderr, "sicher-ca: %s\n",
		    cmd->why.text[0] != '\0' ? cmd->why.text
					     : sn_err_text(err));
	if (cmd->json) {
		cmd_set(cmd, "ok", json_boolean(err == SN_OK));
		cmd_set(cmd, "exit", json_integer(status));
		if (err != SN_OK) {
			cmd_set(cmd, "error", json_string(sn_err_name(err)));
			cmd_set(cmd, "message", json_string(cmd->why.text));
		}
		print_result(cmd);
	}
	return ((int)status);
}

/* As a shell takes it for one word. */
static char *where_of(const char *dir)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./:@%+,-";
	size_t n = dir == NULL ? 0 : strlen(dir);
	bool quoted = n == 0 || strspn(dir, plain) != n;
	/* A quotation mark takes four. */
	char *out = malloc(sizeof(" --dir ''") + 4 * n), *p = out;

	if (out == NULL)
		return (NULL);
	*p = '\0';
	if (dir == NULL)
		return (out);
	p = stpcpy(p, " --dir ");
	if (quoted)
		*p++ = '\'';
	for (; *dir != '\0'; dir++) {
		if (*dir == '\'')
			p = stpcpy(p, "'\\'");
		*p++ = *dir;
	}
	if (quoted)
		*p++ = '\'';
	*p = '\0';
	return (out);
}

int cmd_run(struct sn_cli *cli, enum sn_err (*body)(struct cmd *))
{
	struct cmd cmd = { .cli = cli, .status = STATUS_OK };
	int status;

	cmd.json = sn_cli_has(cli, "json");
	cmd.dir = sn_cli_value(cli, "dir");
	if ((cmd.where = where_of(cmd.dir)) == NULL)
		return (STATUS_FAILED);
	if (cmd.dir == NULL)
		cmd.dir = getenv("SICHER_CA_DIR");
	if (cmd.dir == NULL || *cmd.dir == '\0')
		cmd.dir = "authority";
	if (cmd.json && (cmd.result = json_object()) == NULL) {
		free(cmd.where);
		return (STATUS_FAILED);
	}
	status = finish(&cmd, body(&cmd));
	if (cmd.a != NULL && cmd.a->running >= 0)
		head_note(cmd.a);
	authority_close(cmd.a);
	policy_free(cmd.policy);
	json_decref(cmd.result);
	free(cmd.where);
	return (status);
}

static void note(void *arg, const char *sentence)
{
	(void)arg;
	fprintf(stderr, "sicher-ca: settled first: %s\n", sentence);
}

enum sn_err cmd_policy(struct cmd *cmd)
{
	const char *path = sn_cli_value(cmd->cli, "config");
	char usual[PATH_MAX];

	(void)snprintf(usual, sizeof(usual), "%s/sicher-ca.conf", cmd->dir);
	if (path == NULL && access(usual, F_OK) == 0)
		path = usual;
	return (policy_read(path, &cmd->policy, &cmd->why));
}

/* That the files of one device cannot be written must not keep another from
 * being revoked: only damage does. */
static enum sn_err settle_first(struct cmd *cmd)
{
	struct sn_why why = { "" };
	bool busy;
	enum sn_err err = settle(cmd->a, note, NULL, &busy, &why);

	if (err == SN_ECORRUPT)
		return (sn_why(&cmd->why, err, "%s", why.text));
	if (err != SN_OK)
		fprintf(stderr,
		    "sicher-ca: not settled yet: %s; mend that and run "
		    "sicher-ca check%s\n",
		    why.text, cmd->where);
	return (SN_OK);
}

enum sn_err cmd_open(struct cmd *cmd, bool read_only)
{
	enum sn_err err;
	bool needed;

	err = authority_open(cmd->dir, read_only, &cmd->a, &cmd->why);
	if (err != SN_OK || (err = head_check(cmd->a, &cmd->why)) != SN_OK ||
	    read_only)
		return (err);
	if ((err = cmd_policy(cmd)) != SN_OK)
		return (err);
	cmd->a->crl_life = policy_crl_life(cmd->policy);
	cmd->a->crl_root_life = policy_crl_root_life(cmd->policy);
	err = settle_needed(cmd->a, &needed, &cmd->why);
	if (err == SN_OK && needed)
		err = settle_first(cmd);
	return (err);
}

void cmd_say(const struct cmd *cmd, const char *format, ...)
{
	va_list ap;

	if (cmd->json)
		return;
	va_start(ap, format);
	(void)vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

void cmd_set(struct cmd *cmd, const char *name, json_t *value)
{
	if (cmd->json)
		(void)json_object_set_new(cmd->result, name, value);
	else
		json_decref(value);
}

static void set_time(json_t *o, const char *name, int64_t t)
{
	char text[SN_CLOCK_TEXT];

	(void)json_object_set_new(
	    o, name, json_string(sn_clock_rfc3339(t, text)));
}

json_t *cmd_record(const struct record *rec, int64_t now)
{
	char hex[2 * FINGERPRINT_BYTES + 1], key[32];
	json_t *o = json_object();

	(void)json_object_set_new(o, "serial",
	    json_string(sn_bytes_hex(rec->serial, SERIAL_BYTES, hex)));
	(void)json_object_set_new(
	    o, "kind", json_string(record_kind_text(rec->kind)));
	(void)json_object_set_new(o,
	    rec->kind == KIND_CLIENT ? "account" : "name",
	    json_string(rec->name));
	if (rec->label[0] != '\0')
		(void)json_object_set_new(o, "device", json_string(rec->label));
	(void)json_object_set_new(
	    o, "state", json_string(record_state_text(rec, now)));
	(void)json_object_set_new(o, "profile", json_string(rec->profile));
	(void)json_object_set_new(
	    o, "issuer", json_string(issuer_key(rec->issuer, key)));
	set_time(o, "not_before", rec->not_before);
	set_time(o, "not_after", rec->not_after);
	if (rec->state == STATE_VALID || rec->state == STATE_REVOKED)
		(void)json_object_set_new(o, "fingerprint",
		    json_string(sn_bytes_hex(
			rec->fingerprint, FINGERPRINT_BYTES, hex)));
	if (rec->state == STATE_REVOKED) {
		set_time(o, "revoked_at", rec->revoked_at);
		(void)json_object_set_new(
		    o, "reason", json_string(record_reason_text(rec->reason)));
	}
	if (rec->due != 0)
		set_time(o, "due", rec->due);
	return (o);
}

enum sn_err cmd_passphrase(struct cmd *cmd, bool is_new, struct sn_secret *out)
{
	struct sn_passphrase source = {
		.what = "passphrase of the authority",
		.fd = sn_cli_value(cmd->cli, "passphrase-fd"),
		.file = sn_cli_value(cmd->cli, "passphrase-file"),
		.credential = "sicher-ca.passphrase",
		.hint = "--passphrase-file FILE or --passphrase-fd N",
		.is_new = is_new,
		.least = is_new ? PASSPHRASE_LEAST : 0,
	};

	return (sn_passphrase_read(&source, out, &cmd->why));
}

enum sn_err cmd_key(struct cmd *cmd, struct key **out, uint32_t *issuer)
{
	char path[PATH_BYTES];
	struct sn_secret passphrase;
	struct issuer active;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = issuer_active(txn, &active);
	if (err != SN_OK)
		err = inventory_why(cmd->a->store,
		    err == SN_ENOTFOUND ? SN_ECORRUPT : err, &cmd->why);
	else
		err = issuer_usable(txn, &active, sn_clock_wall_s(), &cmd->why);
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (err);
	*issuer = active.id;
	if ((err = cmd_passphrase(cmd, false, &passphrase)) != SN_OK)
		return (err);
	err = key_load(
	    keyring_path(cmd->a, active.id, path), &passphrase, out, &cmd->why);
	sn_secret_free(&passphrase);
	return (err);
}

enum sn_err cmd_keyring(struct cmd *cmd, struct keyring **out)
{
	struct keyring_source source = {
		.root_file = sn_cli_value(cmd->cli, "root-key"),
	};
	struct sn_passphrase root = {
		.what = "passphrase of the root's key",
		.fd = sn_cli_value(cmd->cli, "root-passphrase-fd"),
		.file = sn_cli_value(cmd->cli, "root-passphrase-file"),
	};
	enum sn_err err;

	err = cmd_passphrase(cmd, false, &source.passphrase);
	if (err != SN_OK)
		return (err);
	if ((root.fd != NULL || root.file != NULL) &&
	    (err = sn_passphrase_read(
		 &root, &source.root_passphrase, &cmd->why)) != SN_OK) {
		sn_secret_free(&source.passphrase);
		return (err);
	}
	return (keyring_open(cmd->a, &source, out, &cmd->why));
}

enum sn_err cmd_days(struct cmd *cmd, unsigned *out)
{
	const char *text = sn_cli_value(cmd->cli, "days");
	char *end;
	long days;

	*out = 0;
	if (text == NULL)
		return (SN_OK);
	days = strtol(text, &end, 10);
	if (*text == '\0' || *end != '\0' || days < 1 || days > DAYS_MAX)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--days takes a number from 1 to %ld, not \"%s\"", DAYS_MAX,
		    text));
	*out = (unsigned)days;
	return (SN_OK);
}

enum sn_err cmd_span(
    struct cmd *cmd, const char *option, int64_t absent, int64_t *out)
{
	const char *text = sn_cli_value(cmd->cli, option);
	char *end;
	long days;

	*out = absent;
	if (text == NULL)
		return (SN_OK);
	days = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || days > DAYS_MAX ||
	    (strcmp(end, "d") != 0 && *end != '\0'))
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--%s takes days, as in 30d, up to %ld, not \"%.20s\"",
		    option, DAYS_MAX, text));
	*out = days * DAY_SECONDS;
	return (SN_OK);
}

enum sn_err cmd_with_ring(
    struct cmd *cmd, enum sn_err (*work)(struct cmd *, struct keyring *))
{
	struct keyring *ring;
	enum sn_err err;
	int lock;

	if ((err = cmd_open(cmd, false)) != SN_OK ||
	    (err = cmd_keyring(cmd, &ring)) != SN_OK)
		return (err);
	if ((err = crl_lock(cmd->a, &lock, &cmd->why)) == SN_OK) {
		err = work(cmd, ring);
		crl_unlock(lock);
	}
	keyring_free(ring);
	return (err);
}

enum sn_err cmd_change(struct cmd *cmd,
    enum sn_err (*change)(struct sn_txn *txn, int64_t now, void *arg),
    void *arg)
{
	struct sn_store *store = cmd->a->store;
	struct sn_why ignored;
	struct sn_txn *txn;
	int64_t now;
	enum sn_err err;

	if ((err = sn_txn_write(store, &txn)) != SN_OK)
		return (inventory_why(store, err, &cmd->why));
	err = authority_now(txn, &now, &ignored);
	if ((err != SN_OK && err != SN_EDENIED) ||
	    (err = change(txn, now, arg)) != SN_OK) {
		sn_txn_abort(txn);
		return (inventory_why(store, err, &cmd->why));
	}
	return (inventory_why(store, sn_txn_commit(txn), &cmd->why));
}
