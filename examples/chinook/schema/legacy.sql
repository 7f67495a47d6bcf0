-- The old schema: the tables of the Chinook database (https://github.com/lerocha/chinook-database), with rows of our own
-- that nobody sells: invented artists, people and invoices, few enough to read.

create table Artist (
    ArtistId INTEGER not null primary key,
    Name     NVARCHAR(120)
);

create table Album (
    AlbumId  INTEGER not null primary key,
    Title    NVARCHAR(160) not null,
    ArtistId INTEGER not null references Artist (ArtistId)
);

create table Genre (
    GenreId INTEGER not null primary key,
    Name    NVARCHAR(120)
);

create table MediaType (
    MediaTypeId INTEGER not null primary key,
    Name        NVARCHAR(120)
);

create table Track (
    TrackId      INTEGER not null primary key,
    Name         NVARCHAR(200) not null,
    AlbumId      INTEGER references Album (AlbumId),
    MediaTypeId  INTEGER not null references MediaType (MediaTypeId),
    GenreId      INTEGER references Genre (GenreId),
    Composer     NVARCHAR(220),
    Milliseconds INTEGER not null,
    Bytes        INTEGER,
    UnitPrice    NUMERIC(10,2) not null
);

create table Playlist (
    PlaylistId INTEGER not null primary key,
    Name       NVARCHAR(120)
);

create table PlaylistTrack (
    PlaylistId INTEGER not null references Playlist (PlaylistId),
    TrackId    INTEGER not null references Track (TrackId),
    primary key (PlaylistId, TrackId)
);

create table Employee (
    EmployeeId INTEGER not null primary key,
    LastName   NVARCHAR(20) not null,
    FirstName  NVARCHAR(20) not null,
    Title      NVARCHAR(30),
    ReportsTo  INTEGER references Employee (EmployeeId),
    BirthDate  DATETIME,
    HireDate   DATETIME,
    Address    NVARCHAR(70),
    City       NVARCHAR(40),
    State      NVARCHAR(40),
    Country    NVARCHAR(40),
    PostalCode NVARCHAR(10),
    Phone      NVARCHAR(24),
    Fax        NVARCHAR(24),
    Email      NVARCHAR(60)
);

create table Customer (
    CustomerId   INTEGER not null primary key,
    FirstName    NVARCHAR(40) not null,
    LastName     NVARCHAR(20) not null,
    Company      NVARCHAR(80),
    Address      NVARCHAR(70),
    City         NVARCHAR(40),
    State        NVARCHAR(40),
    Country      NVARCHAR(40),
    PostalCode   NVARCHAR(10),
    Phone        NVARCHAR(24),
    Fax          NVARCHAR(24),
    Email        NVARCHAR(60) not null,
    SupportRepId INTEGER references Employee (EmployeeId)
);

create table Invoice (
    InvoiceId         INTEGER not null primary key,
    CustomerId        INTEGER not null references Customer (CustomerId),
    InvoiceDate       DATETIME not null,
    BillingAddress    NVARCHAR(70),
    BillingCity       NVARCHAR(40),
    BillingState      NVARCHAR(40),
    BillingCountry    NVARCHAR(40),
    BillingPostalCode NVARCHAR(10),
    Total             NUMERIC(10,2) not null
);

create table InvoiceLine (
    InvoiceLineId INTEGER not null primary key,
    InvoiceId     INTEGER not null references Invoice (InvoiceId),
    TrackId       INTEGER not null references Track (TrackId),
    UnitPrice     NUMERIC(10,2) not null,
    Quantity      INTEGER not null
);

create index AlbumArtistId on Album (ArtistId);
create index TrackAlbumId on Track (AlbumId);
create index TrackMediaTypeId on Track (MediaTypeId);
create index TrackGenreId on Track (GenreId);
create index PlaylistTrackTrackId on PlaylistTrack (TrackId);
create index EmployeeReportsTo on Employee (ReportsTo);
create index CustomerSupportRepId on Customer (SupportRepId);
create index InvoiceCustomerId on Invoice (CustomerId);
create index InvoiceLineInvoiceId on InvoiceLine (InvoiceId);
create index InvoiceLineTrackId on InvoiceLine (TrackId);

insert into Artist (ArtistId, Name) values
    (1, 'Die Wandelsterne'),
    (2, 'Ólafur & the Tin Whistles'),
    (3, NULL),
    (4, 'O''Hara''s Basement'),
    (6, '東の風'),
    (7, 'Nine Quiet Engines'),
    (8, 'Şebnem Yolcu'),
    (11, 'The Unreturned Library Books'),
    (12, 'Ćiro i Vozovi'),
    (13, 'Mabel Oduya Quartet');

insert into Album (AlbumId, Title, ArtistId) values
    (1, 'Nachtfahrplan', 1),
    (2, 'Rain on the Harbour', 2),
    (3, '  Untitled Tape  ', 3),
    (4, 'Don''t Wake the Landlord', 4),
    (5, 'Haustür offen', 1),
    (6, '風の手紙', 6),
    (7, 'Idle Speed', 7),
    (8, 'Uzak Şehir', 8),
    (10, 'Overdue', 11),
    (11, 'Spori voz', 12),
    (12, 'Idle Speed II: "Half Throttle"', 7),
    (14, 'Live at the Corner, 1 a.m.', 13),
    (15, 'Morning Set', 13),
    (16, 'Ferry Songs', 2);

insert into Genre (GenreId, Name) values
    (1, 'Folk'),
    (2, 'Elektronik'),
    (3, 'Jazz'),
    (4, NULL),
    (5, 'Rock ''n'' Roll'),
    (6, 'Чалга'),
    (8, 'Ambient'),
    (9, 'Spoken Word');

insert into MediaType (MediaTypeId, Name) values
    (1, 'MPEG audio file'),
    (2, 'Protected AAC audio file'),
    (3, 'Protected MPEG-4 video file'),
    (4, 'AAC audio file'),
    (5, 'Wax cylinder'),
    (6, NULL),
    (7, 'Purchased AAC audio file');

insert into Track (TrackId, Name, AlbumId, MediaTypeId, GenreId, Composer, Milliseconds, Bytes, UnitPrice) values
    (1, 'Abfahrt 0:04', 1, 1, 2, 'J. Wandel', 214003, 8120044, 0.99),
    (2, 'Gleis Neun', 1, 1, 2, 'J. Wandel, K. Stern', 187220, 7011201, 0.99),
    (3, 'Zwischenhalt', 1, 1, 2, NULL, 95120, NULL, 0.99),
    (4, 'Harbour Light', 2, 2, 1, 'Ólafur Bragason', 241090, 9001822, 1.29),
    (5, 'Gulls, Mostly', 2, 2, 1, 'Ólafur Bragason', 133700, 5020113, 1.29),
    (6, '(no title)', 3, 5, 4, NULL, 1, 0, 0),
    (7, 'Boiler Room Waltz', 4, 4, 5, 'S. O''Hara', 202512, 7700321, 0.99),
    (8, 'Rent''s Due', 4, 4, 5, 'S. O''Hara', 155003, 5930004, 0.99),
    (9, 'He Isn''t Home', 4, 4, NULL, 'S. O''Hara & T. O''Hara', 171777, 6500910, 0.99),
    (10, 'Haustür', 5, 1, 2, 'K. Stern', 199999, 7600000, 1),
    (11, 'Treppenhaus', 5, 1, 2, NULL, 254100, 9700650, 1),
    (12, '手紙', 6, 2, 8, '中村 風', 301200, 11403002, 1.49),
    (13, '夜の駅', 6, 2, 8, '中村 風', 284455, 10800021, 1.49),
    (14, 'Letter, Unsent', 6, 2, NULL, NULL, 66010, 2500120, 1.49),
    (15, 'Cold Start', 7, 1, 2, NULL, 312080, 12000300, 0.99),
    (16, 'Warm Hum', 7, 1, 8, NULL, 408990, 15500800, 0.99),
    (17, 'Off', 7, 1, 8, NULL, 12044, 450000, 0.99),
    (18, 'Uzak Şehir', 8, 4, 1, 'Şebnem Yolcu', 222018, 8400900, 1.29),
    (19, 'İncir Ağacı', 8, 4, 1, 'Şebnem Yolcu', 244870, 9210040, 1.29),
    (20, 'Fine: 40¢ a Day', 10, 1, 5, 'The Unreturned Library Books', 149001, 5600023, 0.99),
    (21, 'Quiet, Please', 10, 1, 5, NULL, 160442, 6100200, 0.99),
    (22, 'Spori voz', 11, 7, 6, 'Ć. Radić', 233100, 8800104, 0.89),
    (23, 'Peron 2', 11, 7, 6, 'Ć. Radić', 207305, 7900200, 0.89),
    (24, 'Half Throttle', 12, 1, 2, NULL, 377012, 14300901, 1.09),
    (25, 'Full Stop', 12, 1, 2, NULL, 190230, 7200777, 1.09),
    (26, 'Set One, Take Two', 14, 3, 3, 'Mabel Oduya', 642008, 188003210, 1.99),
    (27, 'Set Two, Take One', 14, 3, 3, 'Mabel Oduya', 701990, 205110400, 1.99),
    (28, 'Tuning (audience talks)', 14, 3, 9, NULL, 88020, 25009000, 1.99),
    (29, 'Oatmeal', 15, 1, 3, 'Mabel Oduya', 275400, 10400033, 0.99),
    (30, 'Second Cup', 15, 1, 3, 'Mabel Oduya, R. Achterberg', 262118, 9900021, 0.99),
    (31, 'Ferry to Grímsey', 16, 2, 1, 'Ólafur Bragason', 198033, 7500020, 1.29),
    (32, 'Last Ferry', 16, 2, 1, NULL, 225660, 8500660, 1.29),
    (33, 'Jingle for a shop that closed', NULL, 6, NULL, NULL, 15030, NULL, 0.1),
    (34, 'Field recording: "Marktplatz", 5 Uhr', NULL, 5, 9, NULL, 1800250, 72000004, 0),
    (40, '🎷 encore', 14, 3, 3, NULL, 399004, 120450000, 1.99),
    (41, 'Café del Año', 2, 2, 1, 'Ólafur Bragason / A. Núñez', 176540, 6600780, 1.29);

insert into Playlist (PlaylistId, Name) values
    (1, 'Nachtzug'),
    (2, '90’s That Never Were'),
    (3, NULL),
    (5, 'Küche'),
    (6, 'Empty on purpose'),
    (8, 'Nachtzug');

insert into PlaylistTrack (PlaylistId, TrackId) values
    (1, 1), (1, 2), (1, 3), (1, 5), (1, 7), (1, 8), (1, 10), (1, 13), (1, 16), (1, 18),
    (1, 20), (1, 26), (1, 30), (1, 31), (2, 1), (2, 4), (2, 7), (2, 9), (2, 12), (2, 18),
    (2, 21), (2, 24), (2, 27), (2, 34), (2, 40), (3, 11), (3, 13), (3, 17), (3, 18), (5, 6),
    (5, 8), (5, 13), (5, 16), (5, 17), (5, 19), (5, 20), (5, 22), (5, 24), (5, 28), (5, 32),
    (5, 33), (8, 1), (8, 6), (8, 10), (8, 18), (8, 19), (8, 20), (8, 23), (8, 29), (8, 32);

-- 2, 4 and 12 are below a manager with a higher number, or below one who is; 8 reports to nobody.
insert into Employee (EmployeeId, LastName, FirstName, Title, ReportsTo, BirthDate, HireDate, Address, City, State, Country, PostalCode, Phone, Fax, Email) values
    (1, 'Okonkwo', 'Adaeze', 'General Manager', NULL, '1968-02-29 00:00:00', '2009-01-05 00:00:00', '4 Pier Road', 'Lindhaven', 'NH', 'Norland', 'LH4 1AA', '+47 55 010 101', '+47 55 010 199', 'Adaeze@Oldmusic.example'),
    (8, 'Vance', 'Theodora', NULL, NULL, '1950-12-31 00:00:00', '2009-01-05 00:00:00', '1 Founder''s Lane', 'Lindhaven', 'NH', 'Norland', 'LH1 1AA', NULL, NULL, 'theodora@oldmusic.example'),
    (7, 'Weiß', 'Jürgen', 'Sales Manager', 1, '1974-10-03 00:00:00', '2010-04-01 00:00:00', 'Am Wall 7', 'Neuenbrück', NULL, 'Deutschmark', '28195', '+49 421 555 0107', '+49 421 555 0170', 'juergen@oldmusic.example'),
    (9, 'Petrović', 'Мила', 'IT Manager', 1, '1979-08-19 00:00:00', '2011-11-11 00:00:00', 'Улица мира 3', 'Novi Brod', NULL, 'Srbija', '21000', '+381 21 555 109', NULL, 'mila@oldmusic.example'),
    (2, 'Brûlé', 'Étienne', 'Sales Support Agent', 7, '1981-07-14 00:00:00', '2012-06-01 00:00:00', '18 rue des Bœufs', 'Saint-Aubry', NULL, 'Francie', '90210', '+33 5 0101 0102', NULL, 'etienne@oldmusic.example'),
    (3, 'O''Malley', 'Siobhán', 'Sales Support Agent', 7, '1990-11-30 00:00:00', '2015-03-16 00:00:00', '2 St. Bride''s Walk', 'Kilmore', '', 'Éire', '', '+353 1 555 0103', NULL, 'siobhan@oldmusic.example'),
    (5, 'Lindqvist', 'Åsa', 'IT Staff', 9, NULL, '2018-02-12 00:00:00', 'Storgatan 5', 'Lindhaven', 'NH', 'Norland', 'LH4 2BC', '+47 55 010 105', NULL, 'asa@oldmusic.example'),
    (6, 'Ferreira', 'João', 'IT Staff', 9, '1985-05-05 00:00:00', NULL, 'Rua d''Água 11', 'Porto Velho', 'RO', 'Lusia', '4000-001', NULL, NULL, NULL),
    (4, 'Nakagawa', 'Ren', 'Sales Trainee', 2, '2001-01-01 00:00:00', '2023-09-01 00:00:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'ren@oldmusic.example'),
    (12, 'Quist', 'Bo', 'Sales Support Agent', 2, '1996-04-23 00:00:00', '2021-01-11 00:00:00', '9 Low Street', 'Lindhaven', 'NH', 'Norland', 'LH2 7QT', '+47 55 010 112', NULL, 'bo@oldmusic.example');

insert into Customer (CustomerId, FirstName, LastName, Company, Address, City, State, Country, PostalCode, Phone, Fax, Email, SupportRepId) values
    (1, 'Hanneke', 'de Vries', 'Café ''t Hoekje', 'Kerkstraat 12', 'Oudewater', NULL, 'Nederveld', '3421 AB', '+31 348 555 201', NULL, 'Hanneke@Hoekje.example', 3),
    (2, 'Ignacio', 'Núñez', NULL, 'Calle de la Luna 8, 2º', 'Valdeflores', 'VF', 'Ibérica', '28004', '+34 91 555 0202', NULL, ' i.nunez@correo.example ', 2),
    (3, 'Mary-Ann', 'D''Souza', 'Spice & Strings', '14 Lotus Marg', 'Navapur', 'NP', 'Bharata', '400 001', '+91 22 5555 0203', '+91 22 5555 0293', 'maryann@spice.example', 12),
    (4, 'Łukasz', 'Żak', NULL, 'ul. Źródlana 4/7', 'Małe Góry', NULL, 'Polania', '30-001', NULL, NULL, 'lukasz.zak@poczta.example', 3),
    (5, 'Ō', 'Ito', NULL, NULL, NULL, NULL, 'Yamato', NULL, '+81 3 5555 0205', NULL, 'o.ito@tegami.example', NULL),
    (6, 'Grace', 'Achterberg', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'grace@achterberg.example', 2),
    (7, 'Seán', 'O''Connell', 'O''Connell & Daughters', 'The Old Forge', 'Kilmore', '  ', 'Éire', '', '+353 1 555 0207', NULL, 'sean@oconnell.example', 3),
    (8, 'Fatou', 'Diallo', NULL, ' 22 avenue du Port ', 'Saint-Aubry', NULL, 'Francie', '90211', '+33 5 0101 0208', NULL, 'FATOU.DIALLO@COURRIEL.EXAMPLE', 2),
    (9, 'Björk', 'Þórsdóttir', 'Bókabúðin', 'Hafnargata 1', 'Grímsvík', NULL, 'Ísland', '101', '+354 555 0209', NULL, 'bjork@bokabudin.example', 12),
    (10, 'Tom', 'Quill', NULL, '500 Prairie Ave', 'Dustbowl', 'OK', 'Columbia', '73000', '+1 (405) 555-0210', '+1 (405) 555-0290', 'tom.quill@mail.example', NULL),
    (11, 'Ana-Marija', 'Kovač', NULL, 'Ilica 100', 'Zagora', NULL, 'Hrvatia', '10000', '+385 1 555 0211', NULL, 'ana-marija@posta.example', 7),
    (14, 'Noor', 'van ''t Hof', NULL, 'Dijk 3', 'Oudewater', NULL, 'Nederveld', '3421 AC', '+31 348 555 214', NULL, 'noor+music@hof.example', 3);

insert into Invoice (InvoiceId, CustomerId, InvoiceDate, BillingAddress, BillingCity, BillingState, BillingCountry, BillingPostalCode, Total) values
    (1, 1, '2031-01-03 00:00:00', 'Kerkstraat 12', 'Oudewater', NULL, 'Nederveld', '3421 AB', 7.75),
    (2, 2, '2031-01-19 08:30:00', 'Calle de la Luna 8, 2º', 'Valdeflores', 'VF', 'Ibérica', '28004', 1.98),
    (3, 3, '2031-02-02 00:00:00', '14 Lotus Marg', 'Navapur', 'NP', 'Bharata', '400 001', 3.28),
    (4, 4, '2031-02-28 23:59:59', 'ul. Źródlana 4/7', 'Małe Góry', NULL, 'Polania', '30-001', 1.99),
    (5, 5, '2031-03-04T09:15:00', NULL, NULL, NULL, 'Yamato', NULL, 10.02),
    (6, 6, '2031-03-04 10:05:30.250', NULL, NULL, NULL, NULL, NULL, 7.83),
    (7, 7, '2031-03-31 02:30:00', 'The Old Forge', 'Kilmore', '  ', 'Éire', '', 1.88),
    (8, 8, '2031-04-17 00:00:00', ' 22 avenue du Port ', 'Saint-Aubry', NULL, 'Francie', '90211', 2.87),
    (9, 9, '2031-05-05 12:00:00', 'Hafnargata 1', 'Grímsvík', NULL, 'Ísland', '101', 0),
    (10, 10, '2031-06-21 00:00:00', '500 Prairie Ave', 'Dustbowl', 'OK', 'Columbia', '73000', 6.05),
    (11, 11, '2031-07-01 17:45:10.000001', 'Ilica 100', 'Zagora', NULL, 'Hrvatia', '10000', 5.96),
    (12, 1, '2031-08-09 00:00:00', 'Kerkstraat 12', 'Oudewater', NULL, 'Nederveld', '3421 AB', 8.43),
    (13, 3, '2031-09-30 00:00:00', '14 Lotus Marg', 'Navapur', 'NP', 'Bharata', '400 001', 7.95),
    (14, 9, '2031-10-26 02:30:00', 'Hafnargata 1', 'Grímsvík', NULL, 'Ísland', '101', 3.96),
    (15, 10, '2031-11-11 11:11:11', '500 Prairie Ave', 'Dustbowl', 'OK', 'Columbia', '73000', 6.06),
    (21, 2, '2031-12-24 00:00:00', 'Calle de la Luna 8, 2º', 'Valdeflores', 'VF', 'Ibérica', '28004', 7.54),
    (22, 7, '2032-02-29 00:00:00', 'The Old Forge', 'Kilmore', '  ', 'Éire', '', 8.43),
    (23, 8, '2032-03-01 06:00:00', ' 22 avenue du Port ', 'Saint-Aubry', NULL, 'Francie', '90211', 5.26);

insert into InvoiceLine (InvoiceLineId, InvoiceId, TrackId, UnitPrice, Quantity) values
    (1, 1, 13, 1.49, 1), (2, 1, 27, 1.99, 1), (3, 1, 28, 1.99, 1), (4, 1, 19, 1.29, 1),
    (5, 1, 29, 0.99, 1), (6, 2, 3, 0.99, 2), (7, 3, 34, 0, 1), (8, 3, 40, 1.99, 1),
    (9, 3, 31, 1.29, 1), (10, 4, 27, 1.99, 1), (11, 5, 18, 1.29, 3), (12, 5, 12, 1.49, 1),
    (13, 5, 23, 0.89, 3), (14, 5, 28, 1.99, 1), (15, 6, 7, 0.99, 1), (16, 6, 4, 1.29, 3),
    (17, 6, 15, 0.99, 3), (18, 7, 8, 0.99, 1), (19, 7, 22, 0.89, 1), (20, 8, 2, 0.99, 1),
    (23, 8, 3, 0.99, 1), (24, 8, 23, 0.89, 1), (25, 8, 6, 0, 1), (26, 9, 6, 0, 1),
    (27, 9, 34, 0, 1), (28, 10, 5, 1.29, 1), (29, 10, 19, 1.29, 1), (30, 10, 13, 1.49, 1),
    (31, 10, 29, 0.99, 2), (32, 11, 11, 1, 2), (33, 11, 22, 0.89, 1), (34, 11, 1, 0.99, 1),
    (35, 11, 24, 1.09, 1), (36, 11, 3, 0.99, 1), (37, 12, 7, 0.99, 1), (38, 12, 29, 0.99, 1),
    (39, 12, 14, 1.49, 1), (40, 12, 28, 1.99, 1), (41, 12, 8, 0.99, 3), (42, 13, 3, 0.99, 2),
    (43, 13, 40, 1.99, 3), (44, 14, 21, 0.99, 1), (45, 14, 3, 0.99, 3), (46, 15, 27, 1.99, 1),
    (47, 15, 13, 1.49, 1), (48, 15, 31, 1.29, 2), (49, 21, 32, 1.29, 2), (50, 21, 3, 0.99, 1),
    (51, 21, 15, 0.99, 2), (52, 21, 27, 1.99, 1), (53, 22, 13, 1.49, 3), (54, 22, 3, 0.99, 1),
    (55, 22, 17, 0.99, 1), (56, 22, 16, 0.99, 2), (57, 23, 10, 1, 1), (58, 23, 21, 0.99, 3),
    (59, 23, 4, 1.29, 1);
