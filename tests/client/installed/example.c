/* The library as a user meets it: only installed headers, only exported symbols. */
#include <sales/v1/sales_agent.client.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct sales_call call = {.timeout_ms = 5000};
    Sales__V1__GetLeadRequest request = SALES__V1__GET_LEAD_REQUEST__INIT;
    Sales__V1__GetLeadResponse *reply;
    struct sales_client *client;
    int code = 1;

    if (argc != 4 ||
        sales_client_open(&(struct sales_options){.address = argv[1], .api_key = argv[2]},
                          &client) != SALES_OK)
        return 2;
    request.id = argv[3];
    if (sales_agent_get_lead(client, &call, &request, &reply) == SALES_OK) {
        printf("%s\n", reply->lead->id);
        code = 0;
    } else {
        fprintf(stderr, "%s: %s\n", sales_status_name(call.error.status), call.error.message);
        for (size_t i = 0; i < call.error.n_violations; i++)
            fprintf(stderr, "  %s: %s\n", call.error.violations[i].field,
                    call.error.violations[i].description);
    }
    sales_call_release(&call);
    sales_client_close(client);
    return code;
}
