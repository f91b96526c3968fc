#include "server/base/material.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "lib/cert.h"
#include "lib/file.h"

#define FILE_BYTES ((size_t)64 << 20)

static enum sn_err read_into(
    const char *path, struct sn_bytes *out, struct sn_why *why)
{
	char *data;
	enum sn_err err;

	err = sn_file_read(path, FILE_BYTES, &data, &out->n, why);
	out->p = err == SN_OK ? data : NULL;
	return (err);
}

static enum sn_err open_key(const char *path, int *fd, struct sn_why *why)
{
	enum sn_err err;

	if ((err = sn_file_private(path, why)) != SN_OK)
		return (err);
	if ((*fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open %s", path));
	return (SN_OK);
}

enum sn_err material_read(const char *path, const struct settings *settings,
    struct material **out, struct sn_why *why)
{
	struct material *m = calloc(1, sizeof(*m));
	enum sn_err err;

	if (m == NULL)
		return (sn_why(why, SN_ENOMEM, "no memory for the files"));
	m->key_fd = -1;
	if ((err = read_into(path, &m->config, why)) != SN_OK ||
	    (err = read_into(settings->tls.authority, &m->authority, why)) !=
		SN_OK ||
	    (err = read_into(settings->tls.crl, &m->crl, why)) != SN_OK ||
	    (err = read_into(settings->tls.certificate, &m->chain, why)) !=
		SN_OK ||
	    (err = open_key(settings->tls.key, &m->key_fd, why)) != SN_OK) {
		material_free(m);
		return (err);
	}
	*out = m;
	return (SN_OK);
}

enum sn_err material_passphrase(
    const struct settings *settings, struct sn_secret *out, struct sn_why *why)
{
	const char *path = settings->tls.key_passphrase_file;
	char *newline;
	enum sn_err err;

	if (path[0] == '\0')
		return (SN_OK);
	if ((err = sn_file_read_secret(path, 1024, out, why)) != SN_OK)
		return (err);
	if ((newline = strchr(out->data, '\n')) != NULL)
		*newline = '\0';
	return (SN_OK);
}

enum sn_err material_why(
    const char *file, const char *key, enum sn_err err, struct sn_why *why)
{
	struct sn_why inner = { "" };

	if (why != NULL)
		inner = *why;
	if (file == NULL)
		return (sn_why(why, err, "%s: %.400s", key, inner.text));
	return (sn_why(why, err, "%.200s (%s): %.280s", file, key, inner.text));
}

static enum sn_err compare(const struct settings *settings,
    const struct material *material, EVP_PKEY *key, struct sn_why *why)
{
	STACK_OF(X509) * chain;
	enum sn_err err;

	if ((err = sn_cert_read(material->chain, &chain, why)) != SN_OK)
		return (material_why(
		    settings->tls.certificate, "tls.certificate", err, why));
	if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1)
		err = sn_why(why, SN_ECERT,
		    "the key %s is not that of the certificate %s",
		    settings->tls.key, settings->tls.certificate);
	sn_cert_free(chain);
	return (err);
}

enum sn_err material_check_key(const struct settings *settings,
    const struct material *material, struct sn_why *why)
{
	struct sn_secret passphrase = { 0, NULL }, pem = { 0, NULL };
	EVP_PKEY *key = NULL;
	enum sn_err err;

	if ((err = material_passphrase(settings, &passphrase, why)) == SN_OK)
		err = sn_file_read_secret(
		    settings->tls.key, FILE_BYTES, &pem, why);
	if (err == SN_OK &&
	    (err = sn_cert_read_key((struct sn_bytes){ pem.data, pem.len },
		 passphrase.data != NULL ? &passphrase : NULL, &key, why)) !=
		SN_OK)
		err = material_why(settings->tls.key, "tls.key", err, why);
	if (err == SN_OK)
		err = compare(settings, material, key, why);
	EVP_PKEY_free(key);
	sn_secret_free(&pem);
	sn_secret_free(&passphrase);
	return (err);
}

static void free_bytes(struct sn_bytes *b)
{
	union {
		const void *held;
		void *p;
	} u = { .held = b->p };

	free(u.p);
}

void material_free(struct material *material)
{
	if (material == NULL)
		return;
	free_bytes(&material->config);
	free_bytes(&material->authority);
	free_bytes(&material->crl);
	free_bytes(&material->chain);
	if (material->key_fd >= 0)
		(void)close(material->key_fd);
	free(material);
}
