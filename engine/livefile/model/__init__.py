"""The model: values, ids, index keys, intervals and schemas. Pure data, without any I/O."""
