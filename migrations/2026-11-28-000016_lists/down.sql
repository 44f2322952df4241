DROP DOMAIN text_list;
DROP DOMAIN uuid_list;
