-- Nothing: the rows go with the table.
SELECT;
