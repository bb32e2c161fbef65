"""Requests that get past validation, made from the rules in the proto; what is free is left to a
`choose` function: which value a text field gets."""
import random

UUID_FIELDS = ("id", "ids")


def rules_of(field):
    from buf.validate import validate_pb2

    return field.GetOptions().Extensions[validate_pb2.field]


class Maker:
    """choose(field path, kind) -> a text or None; kind is uuid, email, phone, token, text."""

    def __init__(self, choose, seed):
        self.choose, self.random = choose, random.Random(seed)

    def chance(self, p):
        return self.random.random() < p

    def kind_of(self, field, rules):
        if rules.string.uuid or field.name in UUID_FIELDS or field.name.endswith(("_id", "_ids")):
            return "uuid" if rules.string.uuid else "name"
        if rules.string.email:
            return "email"
        if "phone" in field.name:
            return "phone"
        if "token" in field.name:
            return "token"
        return "etag" if field.name == "etag" else "text"

    def text(self, field, rules):
        kind = self.kind_of(field, rules)
        value = self.choose(field.name, kind)
        if value is None:
            value = {"uuid": "0190163d-8694-739b-aea5-966c26f8ad90", "email": "somebody@example.org"}.get(kind, "x")
        s = rules.string
        if kind == "text" and s.pattern:
            for sample in ("demo", "USD", "DE", "2026-02-28"):
                import re

                if re.fullmatch(s.pattern, sample):
                    return sample
        if kind == "text" and s.uri:
            return "https://hooks.example.org/in"
        return value + "x" * max(0, s.min_len - len(value))

    def scalar(self, field, rules):
        t = field.type
        if t == field.TYPE_STRING:
            return self.text(field, rules)
        if t == field.TYPE_BYTES:
            return b"x" * max(1, rules.bytes.min_len)
        if t == field.TYPE_BOOL:
            return self.chance(0.5)
        if t == field.TYPE_ENUM:
            allowed = [v.number for v in field.enum_type.values if v.number not in rules.enum.not_in]
            return self.random.choice(allowed)
        numbers = getattr(rules, rules.WhichOneof("type")) if rules.WhichOneof("type") else None
        low = max((getattr(numbers, n, 0) + (n == "gt") for n in ("gte", "gt") if numbers and numbers.HasField(n)),
                  default=0)
        return type(field.default_value)(low + (1 if self.chance(0.3) and low == 0 else 0))

    def must(self, field, rules):
        """An empty one would be refused."""
        if rules.required:
            return True
        if rules.ignore or field.message_type:
            return False
        if field.label == field.LABEL_REPEATED:
            return rules.repeated.min_items > 0 or rules.map.min_pairs > 0
        return rules.string.min_len > 0 or rules.string.pattern or rules.string.uri or rules.bytes.min_len > 0 or 0 in rules.enum.not_in

    def put(self, message, field, depth):
        rules = rules_of(field)
        if field.label == field.LABEL_REPEATED:
            self.put_list(message, field, rules, depth)
        elif field.message_type:
            part = getattr(message, field.name)
            part.SetInParent()
            self.fill(part, depth + 1)
        else:
            setattr(message, field.name, self.scalar(field, rules))

    def put_list(self, message, field, rules, depth):
        if field.message_type and field.message_type.GetOptions().map_entry:
            return
        into, n = getattr(message, field.name), max(1, rules.repeated.min_items)
        for _ in range(n):
            if field.message_type:
                self.fill(into.add(), depth + 1)
            else:
                into.append(self.scalar(field, rules.repeated.items))

    def fill(self, message, depth=0):
        if message.DESCRIPTOR.full_name.startswith("google.protobuf."):
            if message.DESCRIPTOR.name == "Timestamp":
                message.seconds = 1700000000
            elif message.DESCRIPTOR.name == "Duration":
                message.seconds = 5
            return message
        for oneof in message.DESCRIPTOR.oneofs:
            if depth < 4 and self.chance(0.9):
                self.put(message, self.random.choice(oneof.fields), depth)
        for field in message.DESCRIPTOR.fields:
            if field.containing_oneof:
                continue
            # names of records lead somewhere: they are set more often than the rest
            rules = rules_of(field)
            likely = 0.6 if self.kind_of(field, rules) != "text" or rules.string.uri else 0.12
            if self.must(field, rules_of(field)) or (depth < 4 and self.chance(likely)):
                self.put(message, field, depth)
        return message
