#include "ca/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/find.h"
#include "ca/inventory.h"
#include "lib/clock.h"

struct filter {
	struct cmd *cmd;
	const char *account, *device, *state;
	int64_t before; /* Ends by then; 0: no matter. */
	int64_t now;
	uint64_t shown;
};

static bool fits(const struct filter *f, const struct record *rec)
{
	if (f->account != NULL &&
	    (rec->kind != KIND_CLIENT || strcmp(rec->name, f->account) != 0))
		return (false);
	if (f->device != NULL && strcmp(rec->label, f->device) != 0)
		return (false);
	if (f->state != NULL &&
	    strcmp(record_state_text(rec, f->now), f->state) != 0)
		return (false);
	if (f->before != 0 &&
	    (rec->state != STATE_VALID || rec->not_after > f->before))
		return (false);
	return (true);
}

/* Each is written as it is met, so memory stays flat. */
static enum sn_err each(void *arg, const struct record *rec)
{
	struct filter *f = arg;
	char serial[SERIAL_TEXT], until[SN_CLOCK_TEXT], due[SN_CLOCK_TEXT];

	if (!fits(f, rec))
		return (SN_OK);
	f->shown++;
	if (f->cmd->json) {
		json_t *o = cmd_record(rec, f->now);

		if (f->shown > 1)
			putchar(',');
		json_dumpf(o, stdout, JSON_COMPACT);
		json_decref(o);
		return (SN_OK);
	}
	printf("%s  %-7s %-9s %.10s  %s%s%s%s%.10s\n",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, serial),
	    record_kind_text(rec->kind), record_state_text(rec, f->now),
	    sn_clock_rfc3339(rec->not_after, until), rec->name,
	    rec->label[0] != '\0' ? "/" : "", rec->label,
	    rec->due != 0 ? ", to be revoked after " : "",
	    rec->due != 0 ? sn_clock_rfc3339(rec->due, due) : "");
	return (ferror(stdout) ? SN_EIO : SN_OK);
}

static enum sn_err walk_all(struct sn_txn *txn, struct filter *f)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct record rec;
	uint64_t want, met = 0;
	enum sn_err err;

	if ((err = sn_txn_count(txn, TABLE_CERTIFICATE, &want)) != SN_OK ||
	    (err = sn_cursor_open(txn, TABLE_CERTIFICATE, &c)) != SN_OK)
		return (err);
	for (err = sn_cursor_first(c, &key, &value); err == SN_OK;
	     err = sn_cursor_next(c, &key, &value)) {
		if ((err = inventory_unseal(TABLE_CERTIFICATE, key, &value)) !=
			SN_OK ||
		    (err = record_decode(key, value, &rec)) != SN_OK ||
		    (err = each(f, &rec)) != SN_OK)
			break;
		met++;
	}
	sn_cursor_close(c);
	if (err != SN_ENOTFOUND)
		return (err);
	return (met == want ? SN_OK : SN_ECORRUPT);
}

static enum sn_err parse_filter(struct cmd *cmd, struct filter *f)
{
	static const char *const states[] = { "valid", "revoked", "expired",
		"held", "pending", "abandoned" };
	bool known = f->state == NULL;
	int64_t within;
	enum sn_err err;

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		known = known || strcmp(states[i], f->state) == 0;
	if (!known)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "\"%.20s\" is no state; one of valid, revoked, expired, "
		    "held, pending, abandoned",
		    f->state));
	if ((err = cmd_span(cmd, "expiring", -1, &within)) != SN_OK)
		return (err);
	f->before = within >= 0 ? f->now + within : 0;
	return (SN_OK);
}

static enum sn_err body(struct cmd *cmd)
{
	struct filter f = {
		.cmd = cmd,
		.account = sn_cli_value(cmd->cli, "account"),
		.device = sn_cli_value(cmd->cli, "device"),
		.state = sn_cli_value(cmd->cli, "state"),
		.now = sn_clock_wall_s(),
	};
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = parse_filter(cmd, &f)) != SN_OK ||
	    (err = cmd_open(cmd, true)) != SN_OK)
		return (err);
	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	cmd->streamed = cmd->json;
	if (cmd->json)
		printf("{\"certificates\":[");
	if (f.account != NULL)
		err =
		    find_walk(txn, KIND_CLIENT, f.account, f.device, each, &f);
	else
		err = walk_all(txn, &f);
	sn_txn_abort(txn);
	if (cmd->json)
		printf("],");
	if (err == SN_OK && f.shown == 0)
		cmd_say(cmd, "No certificate of that kind.");
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

int cmd_list(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
