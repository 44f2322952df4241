-- Lists as single values: there is a type for lists of these, as there is none for lists of lists.
CREATE DOMAIN uuid_list AS uuid[];
CREATE DOMAIN text_list AS text[];
