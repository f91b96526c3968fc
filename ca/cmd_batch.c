#include "ca/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/batch.h"
#include "ca/crew.h"
#include "ca/inventory.h"
#include "ca/issuer.h"

#define TEXT_MAX (8U << 20) /* Of the lines of one batch. */

/* Lines read, and not yet worked on. */
struct text {
	char *bytes;
	size_t used;
	struct sn_bytes lines[BATCH_LINES];
	unsigned long numbers[BATCH_LINES];
	size_t count;
	unsigned long last; /* Number of the last line that was read. */
};

struct run {
	struct cmd *cmd;
	FILE *from;
	struct batch_issuer by;
	char *chain;
	struct p256 *p256[CREW_MAX];
	struct text text;
	struct batch_line *lines;
	unsigned long issued, again, refused;
};

/* One line to the end of the text; false at the end of the file.  Of one
 * that is too long, what is behind the limit is left out. */
static bool read_line(FILE *from, struct text *t)
{
	char *at = t->bytes + t->used;
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(from)) != EOF && c != '\n')
		if (n <= BATCH_LINE_MAX)
			at[n++] = (char)c;
	if (c == EOF && n == 0)
		return (false);
	t->last++;
	at[n] = '\0';
	if (strspn(at, " \t\r") >= n)
		return (true);
	t->lines[t->count] = (struct sn_bytes){ at, n };
	t->numbers[t->count++] = t->last;
	t->used += n;
	return (true);
}

static enum sn_err read_lines(struct run *run)
{
	struct text *t = &run->text;

	t->used = t->count = 0;
	while (t->count < BATCH_LINES && TEXT_MAX - t->used > BATCH_LINE_MAX &&
	       read_line(run->from, t))
		;
	if (ferror(run->from))
		return (sn_why_errno(
		    &run->cmd->why, SN_EIO, "cannot read the batch"));
	return (SN_OK);
}

static void read_one(void *arg, size_t i, unsigned member)
{
	struct run *run = arg;
	struct batch_line *line = &run->lines[i];
	struct sn_bytes text = run->text.lines[i];
	struct p256 **p256 = &run->p256[member];

	if (*p256 == NULL)
		*p256 = p256_new();
	if (*p256 != NULL && text.n <= BATCH_LINE_MAX) {
		batch_line_read(
		    line, run->text.numbers[i], text, run->cmd->policy, *p256);
		return;
	}
	memset(line, 0, sizeof(*line));
	line->number = run->text.numbers[i];
	if (*p256 == NULL)
		line->err = sn_why(&line->why, SN_ENOMEM, "out of memory");
	else
		line->err = sn_why(&line->why, SN_ETOOBIG,
		    "the line is longer than %d bytes", BATCH_LINE_MAX);
}

static enum sn_err print_answers(struct run *run)
{
	for (size_t i = 0; i < run->text.count; i++) {
		const struct batch_line *line = &run->lines[i];

		if (line->err != SN_OK)
			run->refused++;
		else if (line->again)
			run->again++;
		else
			run->issued++;
		(void)fwrite_unlocked(line->answer, 1, line->answer_n, stdout);
	}
	if (fflush(stdout) == 0)
		return (SN_OK);
	return (sn_why_errno(&run->cmd->why, SN_EIO,
	    "the certificates are in the books, but cannot be written out; "
	    "run the same batch again to be told them"));
}

static enum sn_err one_batch(struct run *run)
{
	size_t count = run->text.count;
	enum sn_err err;

	crew_each(count, read_one, run);
	err = batch_issue(
	    run->cmd->a, run->lines, count, &run->by, &run->cmd->why);
	if (err == SN_OK)
		err = print_answers(run);
	for (size_t i = 0; i < count; i++)
		batch_line_clear(&run->lines[i]);
	return (err);
}

static void tell(const struct run *run)
{
	struct cmd *cmd = run->cmd;

	cmd_set(cmd, "issued", json_integer((json_int_t)run->issued));
	cmd_set(cmd, "again", json_integer((json_int_t)run->again));
	cmd_set(cmd, "refused", json_integer((json_int_t)run->refused));
	if (cmd->json)
		return;
	/* Standard output holds nothing but the answers. */
	fprintf(stderr,
	    "sicher-ca: %lu certificates issued, %lu were there already, %lu "
	    "refused%s\n",
	    run->issued, run->again, run->refused,
	    run->refused > 0 ? ": see the lines with \"error\"; mend them "
			       "and run the batch again"
			     : "");
}

static enum sn_err work(struct run *run)
{
	enum sn_err err;

	/* Before there are threads that make objects. */
	json_object_seed(0);
	run->text.bytes = malloc(TEXT_MAX + 1);
	run->lines = calloc(BATCH_LINES, sizeof(*run->lines));
	if (run->text.bytes == NULL || run->lines == NULL)
		return (sn_why(&run->cmd->why, SN_ENOMEM, "out of memory"));
	do {
		if ((err = read_lines(run)) == SN_OK && run->text.count > 0)
			err = one_batch(run);
	} while (err == SN_OK && run->text.count > 0);
	if (err == SN_OK && run->refused > 0)
		run->cmd->status = STATUS_REFUSED;
	tell(run);
	return (err);
}

static enum sn_err load_certificate(struct run *run, struct sn_txn *txn)
{
	struct cmd *cmd = run->cmd;
	struct issuer row;
	struct record rec;
	enum sn_err err;

	err = issuer_certificate(
	    txn, run->by.id, &run->by.certificate, &cmd->why);
	if (err != SN_OK)
		return (err);
	if (!key_fits(run->by.signer, run->by.certificate))
		return (sn_why(&cmd->why, SN_ECORRUPT,
		    "the key does not belong to issuer %u", run->by.id));
	if ((err = issuer_get(txn, run->by.id, &row)) != SN_OK ||
	    (err = issuer_record(txn, &row, &rec)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	run->chain = batch_line_pem(rec.der, &run->by.chain.n);
	run->by.chain.p = run->chain;
	if (run->chain == NULL)
		return (sn_why(&cmd->why, SN_ENOMEM, "out of memory"));
	return (SN_OK);
}

static enum sn_err load_issuer(struct run *run)
{
	struct cmd *cmd = run->cmd;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = cmd_key(cmd, &run->by.signer, &run->by.id)) != SN_OK)
		return (err);
	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = load_certificate(run, txn);
	sn_txn_abort(txn);
	return (err);
}

static FILE *open_batch(struct cmd *cmd, enum sn_err *err)
{
	const char *path = sn_cli_value(cmd->cli, "batch");
	FILE *from;

	if (strcmp(path, "-") == 0)
		return (stdin);
	if ((from = fopen(path, "re")) == NULL)
		*err = sn_why_errno(
		    &cmd->why, SN_ENOTFOUND, "cannot read %s", path);
	return (from);
}

enum sn_err cmd_batch(struct cmd *cmd)
{
	static const char *const not_with[] = { "device", "csr", "out", "p12",
		"days", "profile", "key-passphrase-fd" };
	struct run run = { .cmd = cmd };
	enum sn_err err = SN_OK;

	if (sn_cli_args(cmd->cli) > 0)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--batch takes no account: each line of the file names "
		    "its own"));
	for (size_t i = 0; i < sizeof(not_with) / sizeof(not_with[0]); i++)
		if (sn_cli_has(cmd->cli, not_with[i]))
			return (sn_why(&cmd->why, SN_EINVAL,
			    "--%s does not go with --batch: each line of the "
			    "file says it for itself",
			    not_with[i]));
	if ((run.from = open_batch(cmd, &err)) == NULL ||
	    (err = cmd_open(cmd, false)) != SN_OK ||
	    (err = load_issuer(&run)) != SN_OK)
		goto out;
	err = work(&run);
out:
	if (run.from != NULL && run.from != stdin)
		(void)fclose(run.from);
	key_free(run.by.signer);
	X509_free(run.by.certificate);
	for (unsigned i = 0; i < CREW_MAX; i++)
		p256_free(run.p256[i]);
	free(run.chain);
	free(run.text.bytes);
	free(run.lines);
	return (err);
}
