#include "ca/cmd.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ca/lint.h"
#include "lib/file.h"

#define FILE_MAX ((size_t)64 << 20)

struct work {
	struct cmd *cmd;
	json_t *all;
	unsigned examined, skipped, bad;
};

static void examine(struct work *w, const void *der, size_t n, bool is_crl)
{
	struct lint l = { .count = 0 };
	json_t *findings = json_array();
	const char *what = "CRL";
	enum record_kind kind;

	if (is_crl) {
		lint_examine_crl(der, n, &l);
	} else {
		kind = lint_kind(der, n);
		what = record_kind_text(kind);
		lint_examine(der, n, kind, &l);
	}
	w->examined++;
	w->bad += l.count > 0;
	cmd_say(w->cmd, "%u (%s%s): %s", w->examined, what,
	    is_crl ? "" : "'s certificate",
	    l.count == 0 ? "nothing to say against it" : "breaks rules");
	for (size_t i = 0; i < l.count && i < LINT_MAX; i++) {
		(void)json_array_append_new(findings, json_string(l.text[i]));
		cmd_say(w->cmd, "  %s", l.text[i]);
	}
	(void)json_array_append_new(
	    w->all, json_pack("{s:s,s:o,s:I}", "kind", what, "findings",
			findings, "count", (json_int_t)l.count));
}

static bool is_crl_name(const char *name)
{
	return (strcmp(name, PEM_STRING_X509_CRL) == 0);
}

static bool is_certificate_name(const char *name)
{
	return (strcmp(name, PEM_STRING_X509) == 0 ||
		strcmp(name, PEM_STRING_X509_OLD) == 0);
}

static void examine_pem(struct work *w, const char *text, size_t n)
{
	BIO *bio = BIO_new_mem_buf(text, (int)n);
	char *name, *header;
	unsigned char *der;
	long len;

	ERR_clear_error();
	while (
	    bio != NULL && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		if (is_crl_name(name) || is_certificate_name(name))
			examine(w, der, (size_t)len, is_crl_name(name));
		else
			w->skipped++;
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	ERR_clear_error();
	BIO_free(bio);
}

static void examine_der(struct work *w, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)n);

	examine(w, text, n, crl != NULL);
	X509_CRL_free(crl);
	ERR_clear_error();
}

static enum sn_err body(struct cmd *cmd)
{
	const char *path = sn_cli_arg(cmd->cli, 0);
	struct work w = { .cmd = cmd };
	enum sn_err err;
	char *text;
	size_t n;

	if ((err = sn_file_read(path, FILE_MAX, &text, &n, &cmd->why)) != SN_OK)
		return (err);
	w.all = json_array();
	if (n > 0 && text[0] == 0x30)
		examine_der(&w, text, n);
	else
		examine_pem(&w, text, n);
	free(text);
	cmd_set(cmd, "examined", w.all);
	if (w.skipped > 0)
		cmd_say(cmd,
		    "Not looked at: %u that are neither certificate "
		    "nor CRL.",
		    w.skipped);
	if (w.examined == 0)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "%s holds no certificate and no CRL (PEM or DER)", path));
	if (w.bad > 0)
		return (sn_why(&cmd->why, SN_ECERT,
		    "%u of %u in %s break%s "
		    "rules; this authority would let none of them out",
		    w.bad, w.examined, path, w.bad == 1 ? "s" : ""));
	return (SN_OK);
}

int cmd_lint(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
