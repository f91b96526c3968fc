#include "ca/deliver.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>

#include "ca/outbox.h"
#include "ca/ssl.h"
#include "lib/file.h"

const char *deliver_name(enum record_kind kind)
{
	return (kind == KIND_SERVER ? "chain.pem" : "cert.pem");
}

enum sn_err deliver_folder(
    const struct authority *a, const char *to, char *out, struct sn_why *why)
{
	mode_t mode = strncmp(to, "servers/", 8) == 0 ? 0755 : 0700;
	enum sn_err err;
	size_t start;

	if (to[0] == '/') {
		(void)snprintf(out, PATH_BYTES, "%s", to);
		return (sn_file_mkdir(out, 0700, why));
	}
	authority_path(a, out, "%s", to);
	start = strlen(a->dir) + 1;
	/* Each folder of the way: people, people/alice, ... */
	for (char *p = out + start; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		err = sn_file_mkdir(out, mode, why);
		*p = '/';
		if (err != SN_OK)
			return (err);
	}
	return (sn_file_mkdir(out, mode, why));
}

static enum sn_err write_chain(
    const struct issued *issued, const char *path, struct sn_why *why)
{
	BIO *bio = BIO_new(BIO_s_mem());
	enum sn_err err;

	if ((err = ssl_pem_certificate(bio, issued->certificate)) != SN_OK ||
	    (err = ssl_pem_certificate(bio, issued->issuer)) != SN_OK)
		err = sn_why(why, err, "cannot encode the certificate");
	else
		err = ssl_write_bio(bio, path, 0644, why);
	BIO_free(bio);
	return (err);
}

enum sn_err deliver(const struct authority *a, const struct issued *issued,
    const struct key *key, const struct sn_secret *passphrase,
    const char *folder, struct sn_why *why)
{
	char path[PATH_BYTES + 16];
	enum sn_err err;

	if (key != NULL) {
		(void)snprintf(path, sizeof(path), "%s/key.pem", folder);
		if ((err = key_save(key, path, passphrase, why)) != SN_OK)
			return (err);
	}
	(void)snprintf(path, sizeof(path), "%s/ca.pem", folder);
	if ((err = outbox_trust(a, path, why)) != SN_OK)
		return (err);
	/* Last: where this is, the rest is, too. */
	(void)snprintf(path, sizeof(path), "%s/%s", folder,
	    deliver_name(issued->rec.kind));
	return (write_chain(issued, path, why));
}
