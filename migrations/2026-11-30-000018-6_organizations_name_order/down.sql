DROP INDEX organizations_name_order;
