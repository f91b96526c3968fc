#include "lib/nearest.h"

#include <string.h>

#define WORDS_MAX 64

static size_t least(size_t a, size_t b)
{
	return (a < b ? a : b);
}

size_t sn_nearest_distance(const char *a, const char *b)
{
	size_t row[WORDS_MAX + 1];
	size_t n = strlen(b);

	if (n > WORDS_MAX)
		return (WORDS_MAX);
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t cost = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = least(cost, least(row[j], row[j + 1]) + 1);
		}
	}
	return (row[n]);
}

size_t sn_nearest_limit(const char *word)
{
	return (strlen(word) / 3 + 2);
}
