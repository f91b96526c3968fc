#include "client/cmd.h"

#include <errno.h>
#include <stdlib.h>

bool cmd_number(const struct sn_cli *cli, const char *option, uint64_t usual,
    uint64_t most, uint64_t *out)
{
	const char *text = sn_cli_value(cli, option);
	char *end;

	*out = usual;
	if (text == NULL)
		return (true);
	errno = 0;
	*out = strtoull(text, &end, 10);
	return (text[0] >= '0' && text[0] <= '9' && *end == '\0' &&
		errno == 0 && *out <= most);
}
