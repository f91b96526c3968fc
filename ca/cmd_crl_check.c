#include "ca/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/lint.h"
#include "ca/notify.h"
#include "ca/publish.h"
#include "ca/ssl.h"
#include "lib/clock.h"
#include "lib/file.h"

#define FILE_MAX ((size_t)64 << 20)

/* One of our CAs, and its list in the file. */
struct slot {
	struct issuer row;
	bool ended;
	X509 *certificate;
	X509_CRL *crl; /* NULL: none was there. */
};

struct work {
	struct cmd *cmd;
	struct slot *slots;
	size_t count;
	json_t *findings;
	bool broken;
};

static void found(struct work *w, bool broken, const char *format, ...)
    SN_PRINTF(3, 4);

static void found(struct work *w, bool broken, const char *format, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	w->broken = w->broken || broken;
	w->cmd->status = STATUS_ATTENTION;
	(void)json_array_append_new(w->findings, json_string(line));
	cmd_say(w->cmd, "%s", line);
}

static enum sn_err take_issuer(
    struct work *w, struct sn_txn *txn, const struct issuer *row)
{
	struct slot *more =
	    realloc(w->slots, (w->count + 1) * sizeof(*w->slots));
	struct record rec;
	struct slot *s;
	enum sn_err err;

	if (more == NULL)
		return (SN_ENOMEM);
	w->slots = more;
	s = &more[w->count];
	*s = (struct slot){ .row = *row };
	if ((err = issuer_record(txn, row, &rec)) != SN_OK)
		return (err);
	s->ended = rec.not_after < sn_clock_wall_s();
	if ((err = ssl_certificate(rec.der, &s->certificate, NULL)) != SN_OK)
		return (SN_ECORRUPT);
	w->count++;
	return (SN_OK);
}

static enum sn_err read_issuers(struct work *w)
{
	struct sn_store *store = w->cmd->a->store;
	struct sn_txn *txn;
	struct issuer row;
	enum sn_err err;

	if ((err = sn_txn_read(store, &txn)) != SN_OK)
		return (inventory_why(store, err, &w->cmd->why));
	for (uint32_t id = ISSUER_ROOT; err == SN_OK; id = row.id + 1)
		if ((err = issuer_from(txn, id, &row)) == SN_OK)
			err = take_issuer(w, txn, &row);
	sn_txn_abort(txn);
	return (err == SN_ENOTFOUND ? SN_OK
				    : inventory_why(store, err, &w->cmd->why));
}

static struct slot *slot_of(struct work *w, X509_CRL *crl)
{
	for (size_t i = 0; i < w->count; i++)
		if (X509_CRL_verify(
			crl, X509_get0_pubkey(w->slots[i].certificate)) == 1)
			return (&w->slots[i]);
	return (NULL);
}

static void lint(struct work *w, const char *name, X509_CRL *crl)
{
	struct lint l = { .count = 0 };
	unsigned char *der = NULL;
	int n = i2d_X509_CRL(crl, &der);

	if (n > 0)
		lint_examine_crl(der, (size_t)n, &l);
	OPENSSL_free(der);
	for (size_t i = 0; i < l.count && i < LINT_MAX; i++)
		found(w, true, "The list of %s breaks a rule: %s.", name,
		    l.text[i]);
}

static void take_list(struct work *w, X509_CRL *crl)
{
	struct slot *s = slot_of(w, crl);
	char name[32];

	ERR_clear_error();
	if (s == NULL) {
		found(
		    w, true, "A list is signed by no CA of ours, or damaged.");
		X509_CRL_free(crl);
		return;
	}
	(void)issuer_key(s->row.id, name);
	lint(w, name, crl);
	if (s->crl != NULL)
		found(w, true, "There are two lists of %s.", name);
	X509_CRL_free(s->crl);
	s->crl = crl;
}

static void read_lists(struct work *w, const char *text, size_t n)
{
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	X509_CRL *crl;

	ERR_clear_error();
	while (bio != NULL && (crl = PEM_read_bio_X509_CRL(
				   bio, NULL, ssl_no_passphrase, NULL)) != NULL)
		take_list(w, crl);
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		found(w, true, "The file is cut off or damaged.");
	ERR_clear_error();
	BIO_free(bio);
}

static uint64_t number_of(X509_CRL *crl)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	uint64_t out = 0;

	if (n == NULL || ASN1_INTEGER_get_uint64(&out, n) != 1)
		out = 0;
	ASN1_INTEGER_free(n);
	return (out);
}

static int64_t end_of(X509_CRL *crl)
{
	const ASN1_TIME *t = X509_CRL_get0_nextUpdate(crl);
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return (0);
	return ((int64_t)timegm(&tm));
}

static void judge_slot(struct work *w, const struct slot *s, int64_t now)
{
	char name[32], until[SN_CLOCK_TEXT];
	unsigned long long number, want = s->row.crl_number;
	int64_t end;

	(void)issuer_key(s->row.id, name);
	if (s->crl == NULL) {
		if (!s->ended)
			found(w, false, "The list of %s is missing.", name);
		return;
	}
	number = number_of(s->crl);
	end = end_of(s->crl);
	(void)sn_clock_rfc3339(end, until);
	if (number > want)
		found(w, true,
		    "The list of %s has number %llu, and the books know of "
		    "%llu: they are older than the file.",
		    name, number, want);
	else if (number < want)
		found(w, false,
		    "The list of %s has number %llu, and %llu is "
		    "the latest.",
		    name, number, want);
	if (s->row.crl_stale)
		found(w, false, "A revocation is missing in the list of %s.",
		    name);
	if (end < now)
		found(w, false, "The list of %s ended at %s.", name, until);
	else if (end - now < (s->row.crl_next - s->row.crl_this) / 3)
		found(
		    w, false, "The list of %s ends soon, at %s.", name, until);
	cmd_say(w->cmd, "%-12s CRL %llu until %s", name, number, until);
}

static enum sn_err ask_server(struct work *w)
{
	const char *control = sn_cli_value(w->cmd->cli, "control");
	long long in_force;
	uint64_t want;
	struct sn_why why;
	enum sn_err err;

	if (control == NULL)
		control = policy_control(w->cmd->policy);
	if (control == NULL)
		return (SN_OK);
	if ((err = publish_highest(w->cmd, &want)) != SN_OK)
		return (err);
	if (notify_in_force(control, &in_force, &why) != SN_OK) {
		found(w, false, "The server does not say what it has: %s",
		    why.text);
		return (SN_OK);
	}
	cmd_set(w->cmd, "in_force", json_integer(in_force));
	if (in_force < 0 || (uint64_t)in_force < want)
		found(w, false,
		    "The server has CRL %lld in force, and %llu is the latest.",
		    in_force, (unsigned long long)want);
	else
		cmd_say(w->cmd, "The server has CRL %lld in force.", in_force);
	return (SN_OK);
}

static enum sn_err examine(struct work *w, const char *path)
{
	int64_t now = sn_clock_wall_s();
	enum sn_err err;
	char *text;
	size_t n;

	err = sn_file_read(path, FILE_MAX, &text, &n, &w->cmd->why);
	if (err != SN_OK)
		return (err);
	read_lists(w, text, n);
	free(text);
	for (size_t i = 0; i < w->count; i++)
		judge_slot(w, &w->slots[i], now);
	if ((err = ask_server(w)) != SN_OK)
		return (err);
	if (w->broken)
		return (sn_why(&w->cmd->why, SN_ECORRUPT,
		    "%s is not to be used; sicher-ca crl publish%s writes a "
		    "new one",
		    path, w->cmd->where));
	if (w->cmd->status == STATUS_ATTENTION)
		cmd_say(w->cmd, "Next: sicher-ca crl publish%s", w->cmd->where);
	return (SN_OK);
}

static enum sn_err body(struct cmd *cmd)
{
	const char *path = sn_cli_arg(cmd->cli, 0);
	struct work w = { .cmd = cmd, .findings = json_array() };
	char usual[PATH_BYTES];
	enum sn_err err;

	if ((err = cmd_open(cmd, true)) == SN_OK &&
	    (err = cmd_policy(cmd)) == SN_OK &&
	    (err = read_issuers(&w)) == SN_OK)
		err = examine(&w,
		    path != NULL ? path
				 : authority_path(cmd->a, usual, "crl.pem"));
	for (size_t i = 0; i < w.count; i++) {
		X509_free(w.slots[i].certificate);
		X509_CRL_free(w.slots[i].crl);
	}
	free(w.slots);
	cmd_set(cmd, "findings", w.findings);
	return (err);
}

int cmd_crl_check(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
