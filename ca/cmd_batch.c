#include "ca/cmd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ca/batch.h"
#include "ca/crew.h"
#include "ca/head.h"
#include "ca/inventory.h"
#include "ca/issuer.h"

#define TEXT_MAX (16U << 20) /* Of the lines of one batch. */

struct run {
	struct cmd *cmd;
	FILE *from;
	unsigned long last; /* Number of the last line that was read. */
	struct batch_issuer by;
	char *chain;
	struct p256 *p256[CREW_MAX];
	unsigned long issued, again, refused;
};

/* One batch: lines read, checked, issued for, answered. */
struct some {
	struct run *run;
	char *bytes;
	size_t used;
	struct sn_bytes text[BATCH_LINES];
	unsigned long numbers[BATCH_LINES];
	struct batch_line lines[BATCH_LINES];
	size_t count;
	enum sn_err err; /* Of reading. */
	struct sn_why why;
};

/* One line to the end of the text; false at the end of the file.  Of one
 * that is too long, what is behind the limit is left out. */
static bool read_line(struct some *s)
{
	char *at = s->bytes + s->used;
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(s->run->from)) != EOF && c != '\n')
		if (n <= BATCH_LINE_MAX)
			at[n++] = (char)c;
	if (c == EOF && n == 0)
		return (false);
	s->run->last++;
	at[n] = '\0';
	if (strspn(at, " \t\r") >= n)
		return (true);
	s->text[s->count] = (struct sn_bytes){ at, n };
	s->numbers[s->count++] = s->run->last;
	s->used += n;
	return (true);
}

static void check_one(void *arg, size_t i, unsigned member)
{
	struct some *s = arg;
	struct batch_line *line = &s->lines[i];
	struct p256 **p256 = &s->run->p256[member];

	if (*p256 == NULL)
		*p256 = p256_new();
	if (*p256 != NULL && s->text[i].n <= BATCH_LINE_MAX) {
		batch_line_read(line, s->numbers[i], s->text[i],
		    s->run->cmd->policy, *p256);
		return;
	}
	memset(line, 0, sizeof(*line));
	line->number = s->numbers[i];
	if (*p256 == NULL)
		line->err = sn_why(&line->why, SN_ENOMEM, "out of memory");
	else
		line->err = sn_why(&line->why, SN_ETOOBIG,
		    "the line is longer than %d bytes", BATCH_LINE_MAX);
}

static void *read_some(void *arg)
{
	struct some *s = arg;

	s->used = s->count = 0;
	while (s->count < BATCH_LINES && TEXT_MAX - s->used > BATCH_LINE_MAX &&
	       read_line(s))
		;
	s->err = SN_OK;
	if (ferror(s->run->from))
		s->err = sn_why_errno(&s->why, SN_EIO, "cannot read the batch");
	else
		crew_each(s->count, check_one, s);
	return (NULL);
}

static enum sn_err print_answers(struct run *run, const struct some *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct batch_line *line = &s->lines[i];

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

static enum sn_err issue_some(struct run *run, struct some *s)
{
	enum sn_err err;

	err = batch_issue(
	    run->cmd->a, s->lines, s->count, &run->by, &run->cmd->why);
	if (err != SN_OK)
		return (err);
	/* Nothing leaves before it is known to have been. */
	head_note(run->cmd->a);
	return (print_answers(run, s));
}

static void clear(struct some *s)
{
	for (size_t i = 0; i < s->count; i++)
		batch_line_clear(&s->lines[i]);
	s->count = 0;
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

/* Whether the next lines can be read and checked while these are issued for:
 * not where reading waits for somebody, who may wait for our answers. */
static bool may_read_ahead(const struct run *run)
{
	struct stat st;

	return (crew_size() > 1 && fstat(fileno(run->from), &st) == 0 &&
		S_ISREG(st.st_mode));
}

/* Issue for ${now} and read what comes behind it. */
static enum sn_err one_step(
    struct run *run, struct some *now, struct some *next)
{
	pthread_t reader;
	bool ahead = may_read_ahead(run) &&
		     pthread_create(&reader, NULL, read_some, next) == 0;
	enum sn_err err = issue_some(run, now);

	if (ahead)
		(void)pthread_join(reader, NULL);
	else if (err == SN_OK)
		(void)read_some(next);
	clear(now);
	return (err);
}

static enum sn_err all_steps(struct run *run, struct some *two[2])
{
	struct some *now = two[0], *next = two[1], *other;
	enum sn_err err = SN_OK;

	(void)read_some(now);
	while (err == SN_OK && now->err == SN_OK && now->count > 0) {
		err = one_step(run, now, next);
		other = now;
		now = next;
		next = other;
	}
	if (err == SN_OK && now->err != SN_OK)
		err = sn_why(&run->cmd->why, now->err, "%s", now->why.text);
	return (err);
}

static enum sn_err work(struct run *run)
{
	struct some *two[2] = { NULL, NULL };
	enum sn_err err;
	bool ok = true;

	/* Before there are threads that make objects. */
	json_object_seed(0);
	for (int i = 0; i < 2; i++) {
		two[i] = calloc(1, sizeof(*two[i]));
		ok = two[i] != NULL &&
		     (two[i]->bytes = malloc(TEXT_MAX + 1)) != NULL && ok;
		if (two[i] != NULL)
			two[i]->run = run;
	}
	if (ok)
		err = all_steps(run, two);
	else
		err = sn_why(&run->cmd->why, SN_ENOMEM, "out of memory");
	for (int i = 0; i < 2; i++) {
		if (two[i] == NULL)
			continue;
		clear(two[i]);
		free(two[i]->bytes);
		free(two[i]);
	}
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
	return (err);
}
