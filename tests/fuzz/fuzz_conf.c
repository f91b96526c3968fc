#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "server/base/settings.h"

/* Configurations: mistakes are sentences, never faults. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings *settings = NULL;
	struct sn_why why = { "" };

	if (settings_of_text(
		(struct sn_bytes){ data, size }, &settings, &why) == SN_OK)
		settings_free(settings);
	else if (memchr(why.text, '\0', sizeof(why.text)) == why.text)
		__builtin_trap(); /* Refused without a word. */
	return (0);
}
