#include "client/roster.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"

#define NAME "conversations"

enum sn_err roster_load(
    const char *dir, void *arg, enum sn_err (*each)(void *, struct sn_bytes))
{
	char path[PATH_MAX], *text;
	enum sn_err err = SN_OK;
	unsigned count = 0;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/" NAME, dir);
	/* What cannot be read is as if nothing had been remembered. */
	if (sn_file_read(path, ROSTER_MOST * (SN_NAME_MAX + 1), &text, &n,
		NULL) != SN_OK)
		return (SN_OK);
	for (char *at = text; err == SN_OK && at < text + n;) {
		char *end = memchr(at, '\n', (size_t)(text + n - at));
		struct sn_bytes name = { at,
			(size_t)((end != NULL ? end : text + n) - at) };

		if (sn_name_account(name) && count++ < ROSTER_MOST)
			err = each(arg, name);
		at += name.n + 1;
	}
	free(text);
	return (err);
}

void roster_add(struct roster *roster, struct sn_bytes name)
{
	if (roster->count >= ROSTER_MOST || name.n > SN_NAME_MAX)
		return;
	memcpy(roster->lines + roster->n, name.p, name.n);
	roster->n += name.n;
	roster->lines[roster->n++] = '\n';
	roster->count++;
}

enum sn_err roster_save(
    const char *dir, const struct roster *roster, struct sn_why *why)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/" NAME, dir);
	return (sn_file_write(path, 0600, roster->lines, roster->n, why));
}
