#include "server/parent/input.h"

#include "server/net/front.h"
#include "server/parent/listeners.h"

static enum sn_err read_files(
    const char *path, struct input *in, struct sn_why *why)
{
	enum sn_err err;

	if ((err = listeners_check(in->settings, why)) != SN_OK ||
	    (err = material_read(path, in->settings, &in->material, why)) !=
		SN_OK)
		return (err);
	if ((err = front_check(in->settings, in->material, why)) != SN_OK)
		material_free(in->material);
	return (err);
}

enum sn_err input_read(
    const char *path, struct input *out, struct sn_conf_report *report)
{
	struct input in = { NULL, NULL };
	struct sn_why why = { "" };
	enum sn_err err;

	if ((err = settings_read(path, &in.settings, report)) != SN_OK)
		return (err);
	if ((err = read_files(path, &in, &why)) != SN_OK) {
		settings_free(in.settings);
		sn_conf_report_add(report, path, 0, "%s", why.text);
		return (err);
	}
	*out = in;
	return (SN_OK);
}

unsigned input_warn(const struct input *in, FILE *to)
{
	return (front_warn(in->settings, in->material, to));
}

void input_free(struct input *in)
{
	settings_free(in->settings);
	material_free(in->material);
}
