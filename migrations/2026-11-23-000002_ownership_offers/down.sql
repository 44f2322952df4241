DROP TABLE ownership_offers;
DROP TYPE ownership_offer_status;
