/* replay: runs a fuzz target once over each file named on the command line. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { INPUT_BYTES_MAX = 1 << 24 };

int main(int argc, char **argv)
{
    uint8_t *data = malloc(INPUT_BYTES_MAX);

    if (!data)
        return 1;
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");

        if (!f) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 1;
        }
        size_t n = fread(data, 1, INPUT_BYTES_MAX, f);

        fclose(f);
        uint8_t *exact = malloc(n ? n : 1); /* so that ASan sees a read past the end */

        if (!exact)
            return 1;
        for (size_t k = 0; k < n; k++)
            exact[k] = data[k];
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    printf("%d inputs replayed\n", argc - 1);
    free(data);
    return 0;
}
