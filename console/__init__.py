"""The pages people see. They get a store and small callables from whoever puts the app together."""
