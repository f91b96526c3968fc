#include "server/material.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
