/* The index of a FileDescriptorSet that reflection answers from. */
#include <criterion/criterion.h>

#include "probe_descriptor_set.h"
#include "rpc/descriptors.h"
#include "support/table.h"

static struct descriptors *probe_set(void)
{
    struct descriptors *d;
    str bytes = {(const char *)probe_descriptor_set, probe_descriptor_set_len};

    cr_assert_eq(descriptors_new(bytes, &d), STATUS_OK);
    return d;
}

/* clang-format off */
static const struct symbol {
    const char *name, *file; /* NULL: not there */
} symbols[] = {
    {"probe.v1.Probe",                               "probe.proto"},
    {"probe.v1.Probe.Chat",                          "probe.proto"},
    {"probe.v1.Note.load",                           "probe.proto"},
    {"sales.v1.Role",                                "sales/v1/options.proto"},
    {"sales.v1.ROLE_REP",                            "sales/v1/options.proto"},
    {"sales.v1.execution",                           "sales/v1/options.proto"},
    {"google.protobuf.DescriptorProto.ExtensionRange.start", "google/protobuf/descriptor.proto"},
    {"grpc.reflection.v1.ServerReflectionRequest.message_request", "grpc/reflection/v1/reflection.proto"},
    {"google.rpc.ErrorInfo.MetadataEntry.key",       "google/rpc/error_details.proto"},
    {"sales.v1.Role.ROLE_REP",                       NULL},
    {"probe.v1",                                     NULL},
    {"probe.v1.Prob",                                NULL},
    {"",                                             NULL},
};
/* clang-format on */

TABLE_TEST(descriptors, finds_the_file_of_a_symbol, struct symbol, symbols)
{
    struct descriptors *d = probe_set();
    size_t file;
    bool found = descriptors_find_symbol(d, row->name, &file);

    cr_expect_eq(found, row->file != NULL, "%s", row->name);
    if (found)
        cr_expect_str_eq(descriptors_proto(d, file)->name, row->file, "%s", row->name);
    descriptors_free(d);
}

Test(descriptors, gives_the_bytes_of_each_file)
{
    struct descriptors *d = probe_set();

    for (size_t i = 0; i < descriptors_n_files(d); i++) {
        str bytes = descriptors_file(d, i);
        Google__Protobuf__FileDescriptorProto *f = google__protobuf__file_descriptor_proto__unpack(
            NULL, bytes.n, (const uint8_t *)bytes.p);

        cr_assert(f, "file %zu", i);
        cr_expect_str_eq(f->name, descriptors_proto(d, i)->name);
        google__protobuf__file_descriptor_proto__free_unpacked(f, NULL);
    }
    descriptors_free(d);
}

Test(descriptors, lists_extensions_of_a_type)
{
    struct descriptors *d = probe_set();
    int32_t numbers[2];
    size_t file;

    cr_expect_eq(descriptors_extensions(d, "google.protobuf.FieldOptions", numbers, 2), 1);
    cr_expect_eq(numbers[0], 50004);
    cr_expect_eq(descriptors_extensions(d, "google.protobuf.MethodOptions", numbers, 2), 3,
                 "told how many there are, whatever fits");
    cr_expect(descriptors_find_extension(d, "google.protobuf.MethodOptions", 50001, &file));
    cr_expect_not(descriptors_find_extension(d, "google.protobuf.MethodOptions", 1, &file));
    descriptors_free(d);
}

Test(descriptors, refuses_garbage)
{
    struct descriptors *d;

    cr_expect_eq(descriptors_new(STR("\x0a\xff\xff"), &d), STATUS_INVALID);
    cr_expect_null(d);
    descriptors_free(d);
}
