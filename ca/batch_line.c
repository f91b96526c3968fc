#include "ca/batch_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "ca/cmd.h"
#include "ca/ssl.h"
#include "lib/name.h"

#define DAYS_MOST 36500

static enum sn_err check_name(const char *what, const char *text, char *out,
    size_t size, struct sn_why *why)
{
	if (!sn_name_account(sn_bytes_of(text)))
		return (sn_why(why, SN_EINVAL,
		    "%s is no name: 1 to 64 of a-z 0-9 . _ - and a letter or "
		    "digit first",
		    what));
	(void)snprintf(out, size, "%s", text);
	return (SN_OK);
}

static enum sn_err parse(struct batch_line *line, const json_t *root,
    const struct policy *policy, struct sn_why *why)
{
	const char *account, *label = "main", *csr, *profile = NULL;
	json_int_t days = 0;
	json_error_t error;
	enum sn_err err;

	if (json_unpack_ex((json_t *)root, &error, 0,
		"{s:s, s?s, s:s, s?I, s?s !}", "account", &account, "device",
		&label, "csr", &csr, "days", &days, "profile", &profile) != 0)
		return (sn_why(why, SN_EINVAL,
		    "the line is not as it should be: %s; it takes account, "
		    "csr and, if need be, device, days and profile",
		    error.text));
	if ((err = check_name("the account", account, line->account,
		 sizeof(line->account), why)) != SN_OK ||
	    (err = check_name("the device", label, line->label,
		 sizeof(line->label), why)) != SN_OK)
		return (err);
	if (days < 0 || days > DAYS_MOST)
		return (sn_why(why, SN_EINVAL,
		    "days takes a number from 1 to %d", DAYS_MOST));
	line->order.days = (unsigned)days;
	if ((err = policy_profile(policy, profile, KIND_CLIENT,
		 &line->order.profile, why)) != SN_OK)
		return (err);
	return (request_key(sn_bytes_of(csr), line->account, &line->key, why));
}

void batch_line_read(struct batch_line *line, unsigned long number,
    struct sn_bytes text, const struct policy *policy)
{
	json_error_t error;
	json_t *root;

	memset(line, 0, sizeof(*line));
	line->number = number;
	root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		line->err = sn_why(
		    &line->why, SN_EINVAL, "no JSON: %.200s", error.text);
		return;
	}
	line->err = parse(line, root, policy, &line->why);
	json_decref(root);
	line->order.kind = KIND_CLIENT;
	line->order.name = line->account;
	line->order.label = line->label;
	line->order.key = line->key;
	line->order.to = "";
	line->order.bytes_only = true;
}

static json_t *pem_of(const struct batch_line *line)
{
	BIO *bio = BIO_new(BIO_s_mem());
	json_t *pem = NULL;
	char *text;
	long n;

	if (ssl_pem_certificate(bio, line->issued.certificate) == SN_OK &&
	    ssl_pem_certificate(bio, line->issued.issuer) == SN_OK) {
		n = BIO_get_mem_data(bio, &text);
		pem = json_stringn_nocheck(text, (size_t)n);
	}
	BIO_free(bio);
	return (pem);
}

void batch_line_tell(struct batch_line *line)
{
	const struct record *rec = &line->issued.rec;
	json_t *o;

	if (line->err == SN_OK)
		o = cmd_record(rec, rec->created);
	else
		o = json_object();
	(void)json_object_set_new(
	    o, "line", json_integer((json_int_t)line->number));
	if (line->err != SN_OK) {
		if (line->account[0] != '\0')
			(void)json_object_set_new(
			    o, "account", json_string(line->account));
		if (line->label[0] != '\0')
			(void)json_object_set_new(
			    o, "device", json_string(line->label));
		(void)json_object_set_new(
		    o, "error", json_string(sn_err_name(line->err)));
		(void)json_object_set_new(
		    o, "message", json_string(line->why.text));
	} else {
		(void)json_object_set_new(o, "pem", pem_of(line));
		if (line->again)
			(void)json_object_set_new(o, "again", json_true());
	}
	line->answer = json_dumps(o, JSON_COMPACT);
	json_decref(o);
}

void batch_line_clear(struct batch_line *line)
{
	X509_free(line->issued.certificate);
	EVP_PKEY_free(line->key);
	OPENSSL_free(line->der);
	free(line->answer);
	memset(line, 0, sizeof(*line));
}
