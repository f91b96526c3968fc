#include "bench/people.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"

#define PEM_MAX (256 * 1024)
#define PATH_BYTES 4096

static const char *in(const struct person *person, const char *file, char *path)
{
	(void)snprintf(path, PATH_BYTES, "%s/%s", person->dir, file);
	return (path);
}

/* A folder without a certificate is nobody: *${found} says. */
static enum sn_err add(struct people *people, const char *dir, const char *name,
    const char *device, bool *found, struct sn_why *why)
{
	size_t size = strlen(dir) + strlen(name) + strlen(device) + 3;
	struct person fresh = { .tls = NULL }, *all;
	char path[PATH_BYTES];

	if ((fresh.dir = malloc(size)) == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	(void)snprintf(fresh.dir, size, "%s/%s/%s", dir, name, device);
	/* Names are no longer; is_name has looked. */
	memcpy(fresh.name, name, strnlen(name, SN_NAME_MAX));
	memcpy(fresh.device, device, strnlen(device, SN_NAME_MAX));
	*found = access(in(&fresh, "cert.pem", path), F_OK) == 0;
	if (!*found) {
		free(fresh.dir);
		return (SN_OK);
	}
	all = realloc(people->all, (people->count + 1) * sizeof(*all));
	if (all == NULL) {
		free(fresh.dir);
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	}
	people->all = all;
	people->all[people->count++] = fresh;
	return (SN_OK);
}

static int is_name(const struct dirent *e)
{
	return (sn_name_account(sn_bytes_of(e->d_name)));
}

static void free_list(struct dirent **list, int n)
{
	while (n > 0)
		free(list[--n]);
	free(list);
}

/* By the first of their devices: to the others would come the same. */
static enum sn_err add_person(struct people *people, const char *dir,
    const char *name, struct sn_why *why)
{
	struct dirent **devices;
	char path[PATH_BYTES];
	enum sn_err err = SN_OK;
	bool found = false;
	int n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((n = scandir(path, &devices, is_name, alphasort)) < 0)
		return (SN_OK);
	for (int i = 0; i < n && err == SN_OK && !found; i++)
		err = add(people, dir, name, devices[i]->d_name, &found, why);
	free_list(devices, n);
	return (err);
}

enum sn_err people_open(const char *dir, struct people *out, struct sn_why *why)
{
	struct dirent **names;
	enum sn_err err = SN_OK;
	int n;

	*out = (struct people){ 0 };
	if ((n = scandir(dir, &names, is_name, alphasort)) < 0)
		return (sn_why_errno(why, SN_EIO, "cannot read %s", dir));
	for (int i = 0; i < n && err == SN_OK; i++)
		err = add_person(out, dir, names[i]->d_name, why);
	free_list(names, n);
	if (err == SN_OK && out->count == 0)
		err = sn_why(why, SN_ENOTFOUND,
		    "there are no certificates in %s: it is the folder "
		    "\"people\" that sicher-ca issue fills",
		    dir);
	if (err != SN_OK)
		people_free(out);
	return (err);
}

void people_free(struct people *people)
{
	for (size_t i = 0; i < people->count; i++) {
		sn_tls_context_free(people->all[i].tls);
		sn_secret_wipe(
		    people->all[i].token, sizeof(people->all[i].token));
		free(people->all[i].dir);
	}
	free(people->all);
	sn_secret_free(&people->password);
	*people = (struct people){ 0 };
}

/* What is read before a context can be made. */
struct parts {
	char *authority, *certificate;
	size_t authority_size, certificate_size;
	struct sn_secret key;
};

static enum sn_err read_parts(
    const struct person *person, struct parts *p, struct sn_why *why)
{
	char path[PATH_BYTES];
	enum sn_err err;

	if ((err = sn_file_read(in(person, "ca.pem", path), PEM_MAX,
		 &p->authority, &p->authority_size, why)) != SN_OK ||
	    (err = sn_file_read(in(person, "cert.pem", path), PEM_MAX,
		 &p->certificate, &p->certificate_size, why)) != SN_OK)
		return (err);
	return (sn_file_read_secret(
	    in(person, "key.pem", path), PEM_MAX, &p->key, why));
}

enum sn_err people_tls(struct person *person, bool alpn, struct sn_why *why)
{
	struct parts p = { 0 };
	enum sn_err err;

	if (person->tls != NULL)
		return (SN_OK);
	if ((err = read_parts(person, &p, why)) == SN_OK) {
		struct sn_tls_identity who = {
			.authority = { p.authority, p.authority_size },
			.certificate = { p.certificate, p.certificate_size },
			.key = { p.key.data, p.key.len },
			.any_protocol = !alpn,
		};

		err = sn_tls_client_new(&who, &person->tls, why);
	}
	free(p.authority);
	free(p.certificate);
	sn_secret_free(&p.key);
	return (err);
}
