#include "ca/batch_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "ca/cmd.h"
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
    const struct policy *policy, struct p256 *p256, struct sn_why *why)
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
	/* Its absence, and not a zero, is the profile's. */
	if (days > DAYS_MOST ||
	    (days < 1 && json_object_get(root, "days") != NULL))
		return (sn_why(why, SN_EINVAL,
		    "days takes a number from 1 to %d", DAYS_MOST));
	line->order.days = (unsigned)days;
	if ((err = policy_profile(policy, profile, KIND_CLIENT,
		 &line->order.profile, why)) != SN_OK)
		return (err);
	return (request_key(
	    sn_bytes_of(csr), line->account, p256, &line->key, why));
}

void batch_line_read(struct batch_line *line, unsigned long number,
    struct sn_bytes text, const struct policy *policy, struct p256 *p256)
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
	line->err = parse(line, root, policy, p256, &line->why);
	json_decref(root);
	line->order.kind = KIND_CLIENT;
	line->order.name = line->account;
	line->order.label = line->label;
	line->order.key = &line->key;
	line->order.to = "";
}

#define PEM_IN 48                /* Bytes of a line of PEM, ... */
#define PEM_OUT (PEM_IN / 3 * 4) /* ... and its characters. */

static char *put(char *at, const void *p, size_t n)
{
	memcpy(at, p, n);
	return (at + n);
}

#define PUT_TEXT(at, text) put(at, text, sizeof(text) - 1)

char *batch_line_pem(struct sn_bytes der, size_t *n)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----\\n";
	static const char end[] = "-----END CERTIFICATE-----\\n";
	size_t lines = (der.n + PEM_IN - 1) / PEM_IN;
	char *text =
	    malloc(sizeof(begin) + lines * (PEM_OUT + 2) + sizeof(end));
	const uint8_t *p = der.p;
	char *at;

	if (text == NULL)
		return (NULL);
	at = PUT_TEXT(text, begin);
	for (size_t done = 0; done < der.n; done += PEM_IN) {
		size_t some = der.n - done < PEM_IN ? der.n - done : PEM_IN;

		/* It writes a NUL behind, for which there is room. */
		at += EVP_EncodeBlock((unsigned char *)at, p + done, (int)some);
		at = PUT_TEXT(at, "\\n");
	}
	at = PUT_TEXT(at, end);
	*n = (size_t)(at - text);
	return (text);
}

static json_t *describe(const struct batch_line *line)
{
	json_t *o;

	if (line->err == SN_OK)
		o = cmd_record(&line->rec, line->rec.created);
	else
		o = json_object();
	(void)json_object_set_new(
	    o, "line", json_integer((json_int_t)line->number));
	if (line->err == SN_OK) {
		if (line->again)
			(void)json_object_set_new(o, "again", json_true());
		return (o);
	}
	if (line->account[0] != '\0')
		(void)json_object_set_new(
		    o, "account", json_string(line->account));
	if (line->label[0] != '\0')
		(void)json_object_set_new(
		    o, "device", json_string(line->label));
	(void)json_object_set_new(
	    o, "error", json_string(sn_err_name(line->err)));
	(void)json_object_set_new(o, "message", json_string(line->why.text));
	return (o);
}

/* The object's text and, before its closing brace, the certificates: these
 * need no escaping, and are by far the most of it. */
static void join(struct batch_line *line, const char *object,
    struct sn_bytes leaf, struct sn_bytes chain)
{
	static const char key[] = ",\"pem\":\"";
	size_t n = strlen(object);
	char *at;

	line->answer = malloc(n + sizeof(key) + leaf.n + chain.n + 4);
	if (line->answer == NULL)
		return;
	if (leaf.n == 0) {
		at = put(line->answer, object, n);
	} else {
		at = put(line->answer, object, n - 1);
		at = PUT_TEXT(at, key);
		at = put(at, leaf.p, leaf.n);
		at = put(at, chain.p, chain.n);
		at = PUT_TEXT(at, "\"}");
	}
	*at++ = '\n';
	line->answer_n = (size_t)(at - line->answer);
}

void batch_line_tell(struct batch_line *line, struct sn_bytes chain)
{
	struct sn_bytes leaf = { NULL, 0 };
	json_t *o = describe(line);
	char *object = json_dumps(o, JSON_COMPACT), *pem = NULL;

	json_decref(o);
	if (line->err == SN_OK) {
		pem = batch_line_pem(
		    (struct sn_bytes){ line->der, line->der_n }, &leaf.n);
		leaf.p = pem;
	}
	if (object != NULL && (line->err != SN_OK || pem != NULL))
		join(line, object, leaf,
		    line->chain == NULL
			? chain
			: (struct sn_bytes){ line->chain, line->chain_n });
	free(object);
	free(pem);
}

void batch_line_clear(struct batch_line *line)
{
	free(line->der);
	free(line->chain);
	free(line->answer);
	memset(line, 0, sizeof(*line));
}
