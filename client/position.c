#include "client/position.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"

#define TEXT_MAX 2048

static void path_of(const struct position_place *place, char out[PATH_MAX])
{
	(void)snprintf(
	    out, PATH_MAX, "%s/%s.position", place->dir, place->consumer);
}

/* All of the file but the number at its end. */
static int head_of(const struct position_place *place, char out[TEXT_MAX])
{
	return (snprintf(out, TEXT_MAX,
	    "sicher position 1\nhost %s\nserver %s\naccount %s\nseq ",
	    place->host, place->server, place->account));
}

uint64_t position_load(const struct position_place *place)
{
	char path[PATH_MAX], head[TEXT_MAX], *text, *end;
	size_t n, skip = (size_t)head_of(place, head);
	uint64_t seq = 0;

	path_of(place, path);
	if (sn_file_read(path, TEXT_MAX, &text, &n, NULL) != SN_OK)
		return (0);
	if (skip < sizeof(head) && n > skip && memcmp(text, head, skip) == 0) {
		seq = strtoull(text + skip, &end, 10);
		if (end == text + skip || strcmp(end, "\n") != 0)
			seq = 0;
	}
	free(text);
	return (seq);
}

enum sn_err position_save(
    const struct position_place *place, uint64_t seq, struct sn_why *why)
{
	char path[PATH_MAX], text[TEXT_MAX];
	int n = head_of(place, text);

	path_of(place, path);
	if (n < 0 || n > TEXT_MAX - 32)
		return (
		    sn_why(why, SN_EINVAL, "the server's name is too long"));
	n += snprintf(text + n, TEXT_MAX - (size_t)n, "%" PRIu64 "\n", seq);
	return (sn_file_write(path, 0600, text, (size_t)n, why));
}
