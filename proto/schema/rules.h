/* rules: validation rules of message fields, as the generator compiles them from buf.validate. */
#ifndef SCHEMA_RULES_H
#define SCHEMA_RULES_H

struct message_rules;

#endif
