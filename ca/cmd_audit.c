#include "ca/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit.h"
#include "ca/inventory.h"
#include "lib/clock.h"

#define HASH_TEXT (2 * AUDIT_HASH + 1)

/* An entry's number and hash, as somebody noted them once. */
struct noted {
	bool given, met;
	uint64_t sequence;
	uint8_t hash[AUDIT_HASH];
};

static enum sn_err put(
    struct cmd *cmd, const struct audit_entry *e, uint64_t shown)
{
	char when[SN_CLOCK_TEXT], hash[HASH_TEXT];
	json_t *o;

	(void)sn_clock_rfc3339(e->time, when);
	(void)sn_bytes_hex(e->hash, AUDIT_HASH, hash);
	if (!cmd->json) {
		printf("%llu  %s  uid %u  %s %s\n",
		    (unsigned long long)e->sequence, when, e->uid, e->event,
		    e->text);
		return (ferror(stdout) ? SN_EIO : SN_OK);
	}
	o = json_pack("{s:I,s:s,s:I,s:s,s:s,s:s}", "sequence",
	    (json_int_t)e->sequence, "time", when, "uid", (json_int_t)e->uid,
	    "event", e->event, "text", e->text, "hash", hash);
	if (shown > 0)
		putchar(',');
	json_dumpf(o, stdout, JSON_COMPACT);
	json_decref(o);
	return (ferror(stdout) ? SN_EIO : SN_OK);
}

static enum sn_err put_all(struct cmd *cmd, struct sn_txn *txn)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct audit_entry e;
	uint64_t shown = 0;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, TABLE_AUDIT, &c)) != SN_OK)
		return (err);
	for (err = sn_cursor_first(c, &key, &value); err == SN_OK;
	     err = sn_cursor_next(c, &key, &value))
		if ((err = inventory_unseal(TABLE_AUDIT, key, &value)) !=
			SN_OK ||
		    (err = audit_decode(key, value, &e)) != SN_OK ||
		    (err = put(cmd, &e, shown++)) != SN_OK)
			break;
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err show(struct cmd *cmd)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = cmd_open(cmd, true)) != SN_OK)
		return (err);
	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	cmd->streamed = cmd->json;
	if (cmd->json)
		printf("{\"entries\":[");
	err = put_all(cmd, txn);
	sn_txn_abort(txn);
	if (cmd->json)
		printf("],");
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

static enum sn_err parse_noted(struct cmd *cmd, struct noted *noted)
{
	const char *text = sn_cli_arg(cmd->cli, 0);
	char *end;

	if (text == NULL)
		return (SN_OK);
	noted->given = true;
	noted->sequence = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == ':' &&
	    sn_bytes_unhex(end + 1, noted->hash, AUDIT_HASH))
		return (SN_OK);
	return (sn_why(&cmd->why, SN_EINVAL,
	    "\"%.100s\" is not SEQUENCE:HASH, as audit verify prints it",
	    text));
}

/* Whether the trail still holds what was noted once. */
static enum sn_err check_noted(
    struct cmd *cmd, struct sn_txn *txn, const struct noted *noted)
{
	uint8_t b[8];
	struct sn_wr w = sn_wr_over(b, sizeof(b));
	struct sn_bytes key = { b, sizeof(b) }, value;
	struct audit_entry e;
	enum sn_err err;

	if (!noted->given)
		return (SN_OK);
	sn_wr_u64(&w, noted->sequence);
	err = inventory_get(txn, TABLE_AUDIT, key, &value);
	if (err == SN_OK)
		err = audit_decode(key, value, &e);
	if (err == SN_ENOTFOUND ||
	    (err == SN_OK && memcmp(e.hash, noted->hash, AUDIT_HASH) != 0))
		return (sn_why(&cmd->why, SN_ECORRUPT,
		    "the trail is another one than was noted: entry %llu is "
		    "%s",
		    (unsigned long long)noted->sequence,
		    err == SN_ENOTFOUND ? "gone" : "not what it was"));
	if (err != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	cmd_say(cmd, "Entry %llu is what was noted.",
	    (unsigned long long)noted->sequence);
	return (SN_OK);
}

static enum sn_err verify(struct cmd *cmd)
{
	struct noted noted = { .given = false };
	uint8_t head[AUDIT_HASH];
	char hash[HASH_TEXT];
	struct sn_txn *txn;
	uint64_t count;
	enum sn_err err;

	if ((err = parse_noted(cmd, &noted)) != SN_OK ||
	    (err = cmd_open(cmd, true)) != SN_OK)
		return (err);
	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if ((err = audit_verify(txn, &count, head, &cmd->why)) == SN_OK)
		err = check_noted(cmd, txn, &noted);
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (err);
	(void)sn_bytes_hex(head, AUDIT_HASH, hash);
	cmd_set(cmd, "entries", json_integer((json_int_t)count));
	cmd_set(cmd, "head", json_string(hash));
	cmd_say(cmd, "The trail is whole: %llu entries, the head is",
	    (unsigned long long)count);
	cmd_say(cmd, "%llu:%s", (unsigned long long)count, hash);
	cmd_say(cmd,
	    "Next: note that line elsewhere; sicher-ca audit verify "
	    "SEQUENCE:HASH%s later proves that nothing up to it was taken away.",
	    cmd->where);
	return (SN_OK);
}

int cmd_audit(struct sn_cli *cli)
{
	return (cmd_run(cli, show));
}

int cmd_audit_verify(struct sn_cli *cli)
{
	return (cmd_run(cli, verify));
}
